import {
  BioOp,
  createEngine,
  type DeviceRef,
  type Engine,
  isInterposerError,
  type Limits,
  type PluginType,
  type Port,
  type TableRow,
} from '@interposer/core';
import { limitsOfOptions, limitsOfQueue, runsIn, runsOf, StampedDisk, stampedDriver } from './disk.ts';
import { type Outcome, perform } from './perform.ts';
import { VirtualClock } from '../../src/index.ts';
import { type Held, type Run, type Scenario, type Step, tableOf } from './scenario.ts';

const NODE = '/dev/mapper/';

/** A scenario on an engine instead of a kernel. */
export class Replay {
  readonly engine: Engine;
  readonly clock = new VirtualClock();
  readonly disks: ReadonlyMap<string, StampedDisk>;
  readonly #dmMajor = 253;
  #log: string[] = [];

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
    this.engine = createEngine({ types: [...types, stampedDriver(this.disks)], clock: this.clock });
    this.engine.onEvent((event) => {
      if (event.kind === 'log') this.#log.push(event.message);
    });
  }

  /** Lets time pass until so many seconds after the start. */
  passUntil(seconds: number): void {
    this.clock.advance(seconds * 1000 - this.clock.now());
  }

  /** What was logged since this was asked last. */
  takeLog(): string[] {
    const log = this.#log;
    this.#log = [];
    return log;
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
    if (verb === 'message')
      return printAnswer(await this.engine.message(name, Number(argv[3]), argv.slice(4)));
    const text = await this.#show(verb, argv.at(-1)!, argv);
    if (text !== undefined) return this.#renumber(text);
    const done = await this.#edit(verb, name, step);
    return done ? '' : undefined;
  }

  async #show(verb: string, name: string, argv: readonly string[]): Promise<string | undefined> {
    const inactive = argv.includes('--inactive');
    switch (verb) {
      case 'table':
        return printRows(await this.engine.table(name, { inactive, showKeys: argv.includes('--showkeys') }));
      case 'status':
        return printRows(await this.engine.status(name, { inactive }));
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
        await this.engine.suspend(step.argv!.at(-1)!, { noflush: step.argv!.includes('--noflush') });
        return true;
      case 'resume':
        await this.engine.resume(name);
        return true;
      case 'remove':
        await this.engine.remove(step.argv!.at(-1)!, { force: step.argv!.includes('--force') });
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
      const found: (readonly [number, ...Held])[] = [];
      for (let at = sector; at < sector + count; at++) {
        try {
          const [, , ...held] = runsIn(await port.read(at, 1), at)[0]!;
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

function printRows(rows: readonly TableRow[]): string {
  return rows.map(({ start, length, type, params }) => `${start} ${length} ${type} ${params}\n`).join('');
}

function printDeps(devices: readonly DeviceRef[]): string {
  const list = devices.map(({ major, minor }) => ` (${major}, ${minor})`).join('');
  return `${devices.length} dependencies\t:${list}\n`;
}

/** As dmsetup prints the answer to a message: on a line of its own. */
function printAnswer(answer: string): string {
  return answer === '' || answer.endsWith('\n') ? answer : `${answer}\n`;
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
