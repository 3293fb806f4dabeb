import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ALL_OPS,
  BioOp,
  bioPool,
  defineFilter,
  integrityRate,
  type Limits,
  makeLimits,
  type Port,
  PreResult,
  stackLimits,
  Status,
} from '../src/index.ts';
import { spanType } from './support/plugins.ts';
import { Rig } from './support/rig.ts';
import type { TestDisk } from './support/disks.ts';

/** Bytes beside each sector of the disk. */
const TAG = 4;
const RATE = 32;

let rig: Rig;
let disk: TestDisk;
/** What reached the disk: sectors, and where in its buffer the integrity data of a bio begins. */
let seen: string[];

function filter(name: string, altitude: string, knowsIntegrity: boolean): ReturnType<typeof defineFilter> {
  return defineFilter({
    name,
    version: [1, 0, 0],
    altitude,
    ops: ALL_OPS,
    knowsIntegrity,
    params: [],
    attach: () => ({ pre: () => PreResult.Pass, table: () => '' }),
  });
}

beforeEach(() => {
  const passing = spanType('passing', undefined, { features: { passesIntegrity: true } });
  rig = new Rig(passing, filter('knows', '1', true), filter('knowsnot', '2', false));
  disk = rig.disks.add('a', 1024, { integrity: TAG, maxSectors: 8 });
  seen = [];
  disk.onSubmit = (bio) => {
    seen.push(`${bio.toString()} ${bio.integrityRate === 0 ? 'none' : String(bio.integrityOffset)}`);
    disk.serve(bio);
    return 0;
  };
});

afterEach(() => rig.finish());

async function device(table: string): Promise<Port> {
  await rig.engine.create('m', { table });
  return rig.open('m');
}

function send(
  port: Port,
  count: number,
  tags: Uint8Array,
  offset: number,
  rate: number,
  op: BioOp = BioOp.Write,
): Status {
  const bio = bioPool.get();
  bio.op = op;
  bio.sector = 6;
  bio.count = count;
  bio.buffer = new Uint8Array(count * 512);
  bio.integrity = tags;
  bio.integrityOffset = offset;
  bio.integrityRate = rate;
  let status: Status = Status.Pending;
  bio.end = (done) => {
    ({ status } = done);
    bioPool.put(done);
  };
  port.submit(bio);
  return status;
}

const tags = new Uint8Array(100 * TAG);

describe('a bio with integrity data', () => {
  it('has its part of it wherever it is cut', async () => {
    const port = await device('0 10 passing disk:a 0\n10 100 passing disk:a 100');
    expect(port.limits.integrity).toBe(TAG);
    expect(send(port, 20, tags, 8, RATE)).toBe(Status.Ok);
    expect(seen).toEqual(['write 6+4 8', 'write 100+4 24', 'write 104+8 40', 'write 112+4 72']);
  });

  it('leaves nothing of it in the pool', async () => {
    const port = await device('0 100 passing disk:a 0');
    expect(send(port, 4, tags, 8, RATE)).toBe(Status.Ok);
    const status = await port.write(0, new Uint8Array(512)).then(() => seen.at(-1));
    expect(status).toBe('write 0+1 none');
  });

  it('is refused where the device keeps another amount, or none, or its buffer is too short', async () => {
    const port = await device('0 100 passing disk:a 0');
    expect(send(port, 4, tags, 0, RATE + 8)).toBe(Status.Inval);
    expect(send(port, 4, tags, tags.length - 15, RATE)).toBe(Status.Inval);
    expect(send(port, 4, tags, NaN, RATE)).toBe(Status.Inval);
    expect(send(port, 4, tags, 0, RATE, BioOp.Discard)).toBe(Status.Inval);
    rig.disks.add('b', 1024);
    const other = await rig.engine.open('disk:b', { claim: 'noexcl' });
    expect(send(other, 4, tags, 0, RATE)).toBe(Status.Inval);
    other.close();
    expect(seen).toEqual([]);
  });

  it('shows nothing of it when it fails', async () => {
    const port = await device('0 100 passing disk:a 0');
    disk.status = Status.Io;
    const into = new Uint8Array(16).fill(9);
    expect(send(port, 2, into, 4, RATE, BioOp.Read)).toBe(Status.Io);
    expect([...into]).toEqual([9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9]);
  });
});

describe('what a device keeps beside its blocks', () => {
  it('is kept above it where all rows keep the same', async () => {
    rig.disks.add('none', 1024);
    rig.disks.add('wide', 1024, { integrity: TAG, logicalBlock: 1024 });
    const kept = async (name: string, table: string): Promise<number> => {
      await rig.engine.create(name, { table });
      return (await rig.open(name)).limits.integrity;
    };
    expect(await kept('same', '0 8 passing disk:a 0\n8 8 passing disk:a 8')).toBe(TAG);
    expect(await kept('partly', '0 8 passing disk:a 0\n8 8 passing disk:none 8')).toBe(0);
    expect(await kept('unequal', '0 8 passing disk:a 0\n8 8 passing disk:wide 8')).toBe(0);
    expect(await kept('unknown', '0 8 span disk:a 0')).toBe(0);
  });

  it('is told for the same number of bytes whatever the block is', () => {
    const of = (given: Partial<Limits>): Limits => makeLimits(100, given);
    expect(integrityRate(of({ integrity: 28 }))).toBe(224);
    expect(integrityRate(of({ integrity: 28, logicalBlock: 4096 }))).toBe(28);
    expect(integrityRate(of({ integrity: 28, logicalBlock: 8192 }))).toBe(0);
    expect(stackLimits(of({ integrity: 28 }), of({ integrity: 28 })).integrity).toBe(28);
    expect(stackLimits(of({ integrity: 28 }), of({ integrity: 32 })).integrity).toBe(0);
  });

  it('does not get lost in a filter that does not know of it', async () => {
    const port = await rig.engine.open('disk:a', { claim: 'noexcl' });
    await rig.engine.attachFilter('disk:a', 'knows');
    expect(port.limits.integrity).toBe(TAG);
    await expect(rig.engine.attachFilter('disk:a', 'knowsnot')).rejects.toThrow(
      expect.objectContaining({ code: 'ENOTSUP' }) as Error,
    );
    expect(send(port, 2, tags, 0, RATE)).toBe(Status.Ok);
    port.close();
  });

  it('is asked of what stands in for it', async () => {
    const port = await device('0 1024 passing disk:a 0');
    rig.disks.add('b', 1024);
    await rig.engine.create('other', { table: '0 1024 passing disk:b 0' });
    await expect(rig.engine.startRemap('other', 'disk:a')).rejects.toThrow('the same integrity data');
    expect(port.limits.integrity).toBe(TAG);
  });
});
