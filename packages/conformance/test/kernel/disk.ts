import {
  ALL_OPS,
  type Bio,
  BioOp,
  defineDriver,
  type Driver,
  type DriverType,
  fail,
  type Limits,
  makeLimits,
  MapResult,
  OP_COUNT,
  opSet,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import type { Changes, DiskFacts, Held, Run, Step } from './scenario.ts';

/** The stamp of a disk that is empty at first. */
const EMPTY = 'zero';

/** The kernel's stamps: 16 bytes with the name and the number of the sector, over and over. */
export function stamp(letter: string, sector: number): Buffer {
  if (letter === EMPTY) return Buffer.alloc(SECTOR_SIZE);
  const text = `${letter} ${String(sector % 1e8).padStart(8, '0')} ----\n`;
  return Buffer.alloc(SECTOR_SIZE, text);
}

/** So many changed bytes are told one by one; a sector with more of them is `other`. */
const MOST_CHANGES = 4;

const STAMP_LENGTH = 16;

/** What a sector holds, by the first of its stamps that is whole. */
function identify(sector: Buffer): Held {
  for (let at = 0; at < SECTOR_SIZE; at += STAMP_LENGTH) {
    const text = sector.toString('latin1', at, at + STAMP_LENGTH);
    const [, letter = '', number = ''] = /^(\w) (\d{8}) ----\n$/.exec(text) ?? [];
    if (letter === '') continue;
    const changes = changesOf(sector, stamp(letter, Number(number)));
    if (changes.length === 0) return [letter, Number(number)];
    if (changes.length <= MOST_CHANGES) return [letter, Number(number), changes];
  }
  const changes = changesOf(sector, Buffer.alloc(SECTOR_SIZE));
  if (changes.length === 0) return ['zero'];
  return changes.length <= MOST_CHANGES ? ['zero', null, changes] : ['other'];
}

function changesOf(sector: Buffer, plain: Buffer): Changes {
  if (sector.equals(plain)) return [];
  return [...sector.entries()].filter(([offset, value]) => value !== plain[offset]);
}

/** Joins sectors that follow one another in what they hold. */
export function runsOf(found: Iterable<readonly [sector: number, ...held: Held]>): Run[] {
  const runs: [first: number, count: number, ...held: Held][] = [];
  for (const [sector, ...held] of found) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === sector && follows(last, held)) last[1]++;
    else runs.push([sector, 1, ...held]);
  }
  return runs;
}

function follows([, count, what, number, before]: Run, [next, nextNumber, changes]: Held): boolean {
  if (what !== next || before !== undefined || changes !== undefined) return false;
  return typeof number === 'number' ? number + count === nextNumber : nextNumber === undefined;
}

/** The runs of what a buffer holds, its first sector having the given number. */
export function runsIn(data: Uint8Array, first: number): Run[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  return runsOf(
    Array.from({ length: data.length / SECTOR_SIZE }, (_, index) => {
      const sector = bytes.subarray(index * SECTOR_SIZE, (index + 1) * SECTOR_SIZE);
      return [first + index, ...identify(sector)] as const;
    }),
  );
}

/** A disk of a scenario, stamped, that counts what reaches it. */
export class StampedDisk implements Driver {
  readonly limits: Limits;
  readonly name: string;
  readonly facts: DiskFacts;
  readonly data: Buffer;
  /** By number of the operation. */
  readonly requests: number[] = new Array<number>(OP_COUNT).fill(0);
  readonly sectors: number[] = new Array<number>(OP_COUNT).fill(0);
  /** What each request is answered with, once it is done. */
  failure: Status = Status.Ok;

  constructor(name: string, facts: DiskFacts, limits: Partial<Limits>) {
    this.name = name;
    this.facts = facts;
    this.limits = makeLimits(facts.sectors, limits);
    this.data = Buffer.alloc(facts.sectors * SECTOR_SIZE);
    this.reset();
  }

  /** Stamps the disk afresh and counts from 0 again. */
  reset(): void {
    for (let sector = 0; sector < this.facts.sectors; sector++) {
      stamp(this.facts.stamp, sector).copy(this.data, sector * SECTOR_SIZE);
    }
    this.requests.fill(0);
    this.sectors.fill(0);
  }

  /** The runs that differ from the disk's own stamps. */
  changes(): Run[] {
    return runsIn(this.data, 0).filter(
      ([first, , what, number, changes]) =>
        what !== this.facts.stamp || (what !== EMPTY && number !== first) || changes !== undefined,
    );
  }

  submit(bio: Bio): MapResult {
    const { op, sector, count, buffer, bufferOffset } = bio;
    this.requests[op]!++;
    this.sectors[op]! += count;
    const [start, end] = [sector * SECTOR_SIZE, (sector + count) * SECTOR_SIZE];
    if (op === BioOp.Read) this.data.copy(buffer, bufferOffset, start, end);
    else if (op === BioOp.Write)
      this.data.set(buffer.subarray(bufferOffset, bufferOffset + end - start), start);
    else if (op !== BioOp.Flush) this.data.fill(0, start, end);
    bio.complete(this.failure);
    return MapResult.Submitted;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What a disk's options in the recorded data come to. */
export function limitsOfOptions(options: string | undefined): Partial<Limits> {
  const given = new Map(
    (options ?? '').split(',').map((option) => option.split('=') as [string, string | undefined]),
  );
  const logicalBlock = Number(given.get('logical_block_size') ?? SECTOR_SIZE);
  const physicalBlock = Number(given.get('physical_block_size') ?? logicalBlock);
  const refused = [
    ...(given.get('discard') === 'off' ? [BioOp.Discard] : []),
    ...(given.get('write-zeroes') === 'off' ? [BioOp.WriteZeroes] : []),
  ];
  return {
    logicalBlock,
    physicalBlock,
    ioMin: physicalBlock,
    ops: ALL_OPS & ~opSet(...refused),
    readOnly: given.has('readonly'),
    volatileCache: true,
  };
}

/** The limits that the kernel showed of a disk. */
export function limitsOfQueue(limits: NonNullable<Step['limits']>): Partial<Limits> {
  const refused = [
    ...(limits.discard_max_bytes === 0 ? [BioOp.Discard] : []),
    ...(limits.write_zeroes_max_bytes === 0 ? [BioOp.WriteZeroes] : []),
  ];
  return {
    logicalBlock: Number(limits.logical_block_size),
    physicalBlock: Number(limits.physical_block_size),
    ioMin: Number(limits.minimum_io_size),
    ioOpt: Number(limits.optimal_io_size),
    discardGranularity: Number(limits.discard_granularity),
    ops: ALL_OPS & ~opSet(...refused),
    readOnly: limits.ro === 1,
    volatileCache: limits.write_cache === 'write back',
    rotational: limits.rotational === 1,
  };
}

/** A driver for the disks of a scenario, under their nodes as names. */
export function stampedDriver(disks: ReadonlyMap<string, StampedDisk>): DriverType {
  return defineDriver({
    name: 'stamped',
    version: [1, 0, 0],
    schemes: ['stamped'],
    takesPaths: true,
    major: 7,
    identify: (spec) => Promise.resolve(spec),
    open: ({ spec }) => {
      const disk = disks.get(spec);
      return disk === undefined
        ? Promise.reject(fail('ENOENT', `there is no disk ${spec}`))
        : Promise.resolve(disk);
    },
  });
}
