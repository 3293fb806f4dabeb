import { readFileSync } from 'node:fs';
import { createEngine, type Engine, isInterposerError } from '@interposer/core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deviationsOf } from '../../conformance/test/kernel/deviations.ts';
import { limitsOfOptions, StampedDisk, stampedDriver } from '../../conformance/test/kernel/disk.ts';
import { verity } from '../src/index.ts';
import { type Disks, makeDisks, noise, SALT } from './images.ts';

/** What came of reading sectors, as runs: the first, how many, and what. */
type Runs = readonly (readonly [first: number, count: number, what: string])[];
type Step =
  | readonly ['edit', disk: string, offset: number, byte: string]
  | readonly ['junk' | 'restore', disk: string, offset: number, length: number]
  | readonly ['read' | 'each', sector: number, count: number, runs: Runs]
  | readonly ['write', sector: number, count: number, result: string]
  | readonly ['status', text: string]
  | readonly ['events', count: number];

interface Facts {
  readonly tables: readonly {
    readonly note: string;
    readonly table: string;
    readonly writable?: boolean;
    readonly shown?: string;
    readonly refused?: readonly [text: string, errno?: string];
  }[];
  readonly cases: readonly {
    readonly name: string;
    readonly table: string;
    readonly limits?: Readonly<Record<string, string>>;
    readonly steps: readonly Step[];
  }[];
}

const path = new URL('../../conformance/vectors/verity/kernel.json', import.meta.url);
const facts = JSON.parse(readFileSync(path, 'utf8')) as Facts;

const known = deviationsOf('verity/kernel');

let made: Disks;
let disks: Map<string, StampedDisk>;
let engine: Engine;

beforeAll(async () => {
  made = await makeDisks();
});

beforeEach(() => {
  disks = new Map();
  for (const [index, [name, bytes]] of Object.entries(made.disks).entries()) {
    const large = ['vdd', 'vde'].includes(name);
    const options = large ? 'logical_block_size=4096,physical_block_size=4096' : '';
    const disk = new StampedDisk(
      name,
      { devno: `254:${index * 16}`, sectors: bytes.length / 512, stamp: 'zero' },
      limitsOfOptions(options),
    );
    bytes.copy(disk.data);
    disks.set(`/dev/${name}`, disk);
  }
  engine = createEngine({ types: [verity, stampedDriver(disks)] });
});

afterEach(() => engine.close());

function withRoots(table: string): string {
  const values = { ...made.roots, salt: SALT };
  return table.replace(/\{(\w+)\}/g, (_, name: string) => values[name as keyof typeof values]);
}

/** Our device numbers as the kernel's. */
function renumbered(text: string): string {
  return text.replace(/\b\d+:\d+\b/g, (number) => {
    const name = engine.devices().find((device) => device.number === number)?.name ?? '';
    return disks.get(name)?.facts.devno ?? number;
  });
}

describe('tables as the kernel', () => {
  const played = facts.tables.filter(({ note }) => known.get(note)?.kind !== 'left out');
  it.each(played.map((one) => [one.note, one] as const))(
    '%s',
    async (note, { table, writable, shown, refused }) => {
      const deviation = known.get(note);
      const creating = engine.create('r', { table: withRoots(table), readOnly: writable !== true });
      const text =
        deviation === undefined ? refused?.[0] : { refused: deviation.text }[deviation.kind as string];
      if (text !== undefined) {
        const errno = deviation !== undefined || refused?.[1] === 'E2BIG' ? undefined : refused?.[1];
        const wanted = text.replace(/ of (vd\w)$/, ' of /dev/$1');
        await expect(creating).rejects.toMatchObject({
          message: expect.stringContaining(wanted),
          ...(errno === undefined ? {} : { code: errno }),
        });
        expect(engine.devices().flatMap((device) => [...device.ports])).toEqual([]);
        return;
      }
      await creating;
      const [row] = await engine.table('r');
      if (shown !== undefined)
        expect(renumbered(`0 ${row!.length} verity ${row!.params}`)).toBe(withRoots(shown));
    },
  );
});

describe('I/O as the kernel', () => {
  it.each(facts.cases.map((one) => [one.name, one] as const))(
    '%s',
    async (name, { table, limits, steps }) => {
      await engine.create('x', { table: withRoots(table), readOnly: true });
      const port = await engine.open('x', { mode: 'read' });
      if (limits !== undefined) expect(await summary()).toMatchObject(limitsOf(limits));
      for (const [index, step] of steps.entries()) await perform(name, step, `step ${index}`);
      port.close();
    },
  );

  async function summary(): Promise<Record<string, unknown>> {
    const port = await engine.open('x', { mode: 'read' });
    const { logicalBlock, physicalBlock, ioMin, ioOpt, readOnly, discardGranularity } = port.limits;
    port.close();
    return { logicalBlock, physicalBlock, ioMin, ioOpt, readOnly, discardGranularity };
  }

  function limitsOf(limits: Readonly<Record<string, string>>): Record<string, unknown> {
    return {
      logicalBlock: Number(limits.logical_block_size),
      physicalBlock: Number(limits.physical_block_size),
      ioMin: Number(limits.minimum_io_size),
      ioOpt: Number(limits.optimal_io_size),
      readOnly: limits.ro === '1',
      discardGranularity: Number(limits.discard_granularity),
    };
  }

  async function perform(name: string, step: Step, where: string): Promise<void> {
    const [verb] = step;
    if (verb === 'edit') disks.get(`/dev/${step[1]}`)!.data[step[2]] = parseInt(step[3], 16);
    else if (verb === 'junk')
      noise(99, 64 * 512).copy(disks.get(`/dev/${step[1]}`)!.data, step[2], 0, step[3]);
    else if (verb === 'restore')
      made.disks[step[1]]!.copy(disks.get(`/dev/${step[1]}`)!.data, step[2], step[2], step[2] + step[3]);
    else if (verb === 'status') {
      const [row] = await engine.status('x');
      expect(row!.params, where).toBe(known.get(name)?.text ?? step[1]);
    } else if (verb === 'read' || verb === 'each') expect(await look(step), where).toEqual(step[3]);
    else if (verb === 'write')
      await expect(engine.write('x', step[1], new Uint8Array(512))).rejects.toMatchObject({ code: 'EROFS' });
  }

  async function look([verb, sector, count]: readonly [string, number, number, Runs]): Promise<Runs> {
    const size = verb === 'each' ? 1 : count;
    const found: [number, number, string][] = [];
    for (let at = sector; at < sector + count; at += size) {
      for (const [offset, what] of (await readAs(at, size)).entries()) {
        const last = found.at(-1);
        if (last?.[2] === what) last[1]++;
        else found.push([at + offset, 1, what]);
      }
    }
    return found;
  }

  /** What each sector of a request is; a request over the end is cut, as by the block layer. */
  async function readAs(sector: number, count: number): Promise<string[]> {
    const port = await engine.open('x', { mode: 'read' });
    const data = disks.get(
      port.device.limits.logicalBlock === 4096 && !isOnSmall() ? '/dev/vdd' : '/dev/vda',
    )!;
    const left = Math.max(0, Math.min(count, port.device.limits.sectors - sector));
    try {
      const bytes = left === 0 ? new Uint8Array(0) : await port.read(sector, left);
      return Array.from({ length: count }, (_, at) =>
        kindOf(Buffer.from(bytes.subarray(at * 512, at * 512 + 512)), data, sector + at),
      );
    } catch (error) {
      if (!isInterposerError(error)) throw error;
      return Array.from({ length: count }, () => error.code);
    } finally {
      port.close();
    }
  }

  function isOnSmall(): boolean {
    return !engine.devices().some(({ name }) => name === '/dev/vdd');
  }

  function kindOf(bytes: Buffer, data: StampedDisk, sector: number): string {
    if (bytes.length === 0) return 'none';
    const [start, end] = [sector * 512, sector * 512 + 512];
    if (bytes.equals(made.disks[data.name]!.subarray(start, end))) return 'good';
    if (bytes.every((byte) => byte === 0)) return 'zero';
    return bytes.equals(data.data.subarray(start, end)) ? 'bad' : 'other';
  }
});
