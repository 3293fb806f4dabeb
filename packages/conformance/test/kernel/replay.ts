import {
  BioFlag,
  BioOp,
  createEngine,
  type DeviceRef,
  type Engine,
  isInterposerError,
  type Limits,
  type PluginType,
  type Port,
  SECTOR_SIZE,
  type TableRow,
} from '@interposer/core';
import { limitsOfOptions, limitsOfQueue, runsIn, runsOf, stamp, StampedDisk, stampedDriver } from './disk.ts';
import { type Run, type Scenario, type Step, tableOf } from './scenario.ts';

const NODE = '/dev/mapper/';

/** What an I/O step came to, in the words of the recorded data. */
export interface Outcome {
  readonly result: string;
  readonly bytes?: number;
  readonly data?: readonly Run[];
}

/** A scenario on an engine instead of a kernel. */
export class Replay {
  readonly engine: Engine;
  readonly disks: ReadonlyMap<string, StampedDisk>;
  readonly #dmMajor = 253;

  constructor(scenario: Scenario, types: readonly PluginType[]) {
    this.disks = new Map(
      Object.entries(scenario.disks)
        .filter(([, { sectors }]) => sectors > 0)
        .map(([node, facts]) => {
          const queue = scenario.steps.find((step) => step.queue === node)?.limits;
          const limits = queue === undefined ? limitsOfOptions(facts.options) : limitsOfQueue(queue);
          return [node, new StampedDisk(node.slice('/dev/'.length), facts, limits)];
        }),
    );
    this.engine = createEngine({ types: [...types, stampedDriver(this.disks)] });
  }

  close(): Promise<void> {
    return this.engine.close();
  }

  /** Runs a dmsetup or blockdev command; answers what it prints, or undefined for one that is not of interest here. */
  async command(step: Step): Promise<string | undefined> {
    const { argv = [] } = step;
    const [program = '', verb = '', name = ''] = argv;
    if (program === 'blockdev' && verb === '--getsz')
      return this.#withPort(name, async ({ device }) => `${device.limits.sectors}\n`);
    if (program !== 'dmsetup') return undefined;
    if (verb === 'info') {
      return argv.includes('events') ? `${(await this.engine.info(argv.at(-1)!)).eventNr}\n` : undefined;
    }
    const text = await this.#show(verb, argv.at(-1)!, argv.includes('--inactive'));
    if (text !== undefined) return this.#renumber(text);
    const done = await this.#edit(verb, name, step);
    return done ? '' : undefined;
  }

  async #show(verb: string, name: string, inactive: boolean): Promise<string | undefined> {
    switch (verb) {
      case 'table':
      case 'status':
        return printRows(await this.engine[verb](name, { inactive }));
      case 'deps':
        return printDeps(await this.engine.deps(name));
      default:
        return undefined;
    }
  }

  async #edit(verb: string, name: string, step: Step): Promise<boolean> {
    switch (verb) {
      case 'create': {
        const readOnly = step.argv!.includes('--readonly');
        const table = step.argv!.includes('--notable') ? {} : { table: tableOf(step) };
        await this.engine.create(name, { ...table, readOnly });
        return true;
      }
      case 'load':
        await this.engine.load(name, tableOf(step));
        return true;
      case 'suspend':
      case 'resume':
      case 'remove':
        await this.engine[verb](name);
        return true;
      default:
        return false;
    }
  }

  /** Does an I/O as the kernel's block layer would: requests are cut at the end, zeroing falls back to writing. */
  async io(step: Step): Promise<Outcome> {
    const { io = '', device = '', sector = 0, count = 0 } = step;
    return this.#withPort(device, async (port) => {
      const left = Math.max(0, Math.min(count, port.device.limits.sectors - sector));
      try {
        return await perform(port, io, sector, count, left);
      } catch (error) {
        return { result: errnoName(error) };
      }
    });
  }

  /** Reads sector by sector. */
  async map({ device = '', sector = 0, count = 0 }: Step): Promise<Run[]> {
    return this.#withPort(device, async (port) => {
      const found: (readonly [number, string, number?])[] = [];
      for (let at = sector; at < sector + count; at++) {
        try {
          const [[, , ...held] = [at, 1, 'other'] as const] = runsIn(await port.read(at, 1), at);
          found.push([at, ...held]);
        } catch (error) {
          found.push([at, errnoName(error)]);
        }
      }
      return runsOf(found);
    });
  }

  /** Limits of a device. */
  async limits(node: string): Promise<Limits> {
    return this.#withPort(node, async ({ device }) => device.limits);
  }

  /** What changed on the disks, by name; they are as new afterwards. */
  changes(): Record<string, Run[]> {
    const changed = [...this.disks.values()].map((disk) => [disk.name, disk.changes()] as const);
    return Object.fromEntries(changed.filter(([, runs]) => runs.length > 0));
  }

  reset(): void {
    for (const disk of this.disks.values()) disk.reset();
  }

  /** Our device numbers as the kernel's. */
  #renumber(text: string): string {
    const numbers = new Map<string, string>();
    for (const device of this.engine.devices()) {
      const devno = this.disks.get(device.name)?.facts.devno;
      numbers.set(device.number, devno ?? `${this.#dmMajor}:${device.minor}`);
    }
    return text
      .replace(/\b\d+:\d+\b/g, (number) => numbers.get(number) ?? number)
      .replace(/\((\d+), (\d+)\)/g, (_, major: string, minor: string) => {
        const [first, second] = (numbers.get(`${major}:${minor}`) ?? '').split(':');
        return `(${first}, ${second})`;
      });
  }

  async #withPort<T>(node: string, use: (port: Port) => Promise<T>): Promise<T> {
    const name = node.startsWith(NODE) ? node.slice(NODE.length) : node;
    const device = this.engine.devices().find((one) => one.name === name);
    const mode = device?.limits.readOnly === true ? 'read' : 'write';
    const port = await this.engine.open(name, { claim: 'noexcl', mode });
    try {
      return await use(port);
    } finally {
      port.close();
    }
  }
}

async function perform(
  port: Port,
  io: string,
  sector: number,
  count: number,
  left: number,
): Promise<Outcome> {
  switch (io) {
    case 'read': {
      if (left === 0) return { result: 'ok', bytes: 0 };
      const data = await port.read(sector, left);
      return { result: 'ok', bytes: data.length, data: runsIn(data, sector) };
    }
    case 'write':
    case 'write_fua': {
      const data = Buffer.concat(Array.from({ length: left }, (_, index) => stamp('W', sector + index)));
      await port.write(sector, data, io === 'write_fua' ? BioFlag.Fua : 0);
      return { result: 'ok', bytes: data.length };
    }
    case 'fsync':
      await port.flush();
      break;
    case 'discard':
      await port.discard(sector, count);
      break;
    case 'punch_hole':
      await port.writeZeroes(sector, count);
      break;
    default:
      await zeroOut(port, sector, count);
  }
  return { result: 'ok' };
}

async function zeroOut(port: Port, sector: number, count: number): Promise<void> {
  try {
    await port.writeZeroes(sector, count);
  } catch (error) {
    if (!isInterposerError(error) || error.code !== 'ENOTSUP') throw error;
    await port.write(sector, new Uint8Array(count * SECTOR_SIZE));
  }
}

function printRows(rows: readonly TableRow[]): string {
  return rows.map(({ start, length, type, params }) => `${start} ${length} ${type} ${params}\n`).join('');
}

function printDeps(devices: readonly DeviceRef[]): string {
  const list = devices.map(({ major, minor }) => ` (${major}, ${minor})`).join('');
  return `${devices.length} dependencies\t:${list}\n`;
}

function errnoName(error: unknown): string {
  if (!isInterposerError(error)) throw error;
  return error.code === 'ENOTSUP' ? 'EOPNOTSUPP' : error.code;
}

/** What reached a disk, as the recorded data tells it: zeroed sectors count as written ones. */
export function reached(disk: StampedDisk): { read: number; write: number; discard: number; flush: number } {
  const [read = 0, write = 0, , discard = 0, zeroed = 0] = disk.sectors;
  return { read, write: write + zeroed, discard, flush: disk.requests[BioOp.Flush]! };
}
