import type { ChaosDisk } from '@interposer/conformance';
import { BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OriginWorld, SECTORS, table } from './origin-world.ts';
import { numbersIn, turns } from './world.ts';

let world: OriginWorld;
let disk: ChaosDisk;
let store: ChaosDisk;

beforeEach(() => {
  world = new OriginWorld();
  ({ origin: disk, store } = world);
});

afterEach(() => world.finish());

const onDisk = (sector: number): number =>
  numbersIn(disk.data.subarray(sector * 512, (sector + 1) * 512))[0]!;

/** A store as a kernel may have left it, in chunks of 8: exceptions in the order of their entries, filled with a number each. */
function fillStore(
  ...entries: readonly (readonly [oldChunk: number, newChunk: number, number: number])[]
): void {
  const data = Buffer.from(store.data.buffer);
  for (const [index, word] of [0x70416e53, 1, 1, 8].entries()) data.writeUInt32LE(word, index * 4);
  for (const [index, [oldChunk, newChunk, number]] of entries.entries()) {
    data.writeBigUInt64LE(BigInt(oldChunk), 8 * 512 + index * 16);
    data.writeBigUInt64LE(BigInt(newChunk), 8 * 512 + index * 16 + 8);
    for (let at = 0; at < 8 * 512; at += 4) data.writeUInt32LE(number, newChunk * 8 * 512 + at);
  }
}

describe('a snapshot that takes over from a merge', () => {
  it('keeps its entries where the last of the merge could not be cleared', async () => {
    await world.create('s', table('P 8'));
    await world.writeNumbers('s', 8, 500);
    await world.writeNumbers('s', 40, 600);
    store.fail(Status.Io, { op: BioOp.Write, times: 1 });
    await world.reload('s', table('P 8', 'snapshot-merge'));
    await turns();
    expect(await world.status('s')).toBe('Merge failed');
    await world.reload('s', table('P 8'));
    await world.writeNumbers('s', 80, 700);
    await world.remove('s');
    await world.create('s', table('P 8'));
    for (const [sector, number] of [
      [8, 500],
      [40, 600],
      [80, 700],
    ] as const)
      expect(await world.readNumbers('s', sector, 1)).toEqual([number]);
  });

  it('keeps its entries where those of the next area could not be read', async () => {
    // Areas of 32 entries: one is full, and the next has one.
    await world.create('s', table('P 1'));
    for (let sector = 0; sector < 66; sector += 2) await world.writeNumbers('s', sector, 500 + sector);
    store.fail(Status.Io, { op: BioOp.Read, skip: 1, times: 1 });
    await world.reload('s', table('P 1', 'snapshot-merge'));
    await turns();
    expect(await world.status('s')).toBe('Merge failed');
    await world.reload('s', table('P 1'));
    await world.writeNumbers('s', 101, 700);
    await world.remove('s');
    await world.create('s', table('P 1'));
    for (let sector = 0; sector < 66; sector += 2)
      expect(await world.readNumbers('s', sector, 1)).toEqual([500 + sector]);
    expect(await world.readNumbers('s', 101, 1)).toEqual([700]);
  });

  it('gives out no chunk that is in use, in whatever order entries came', async () => {
    fillStore([5, 4, 500], [9, 2, 900]);
    disk.hold(({ op, sector }) => op === BioOp.Write && sector === 40);
    await world.create('s', table('P 8', 'snapshot-merge'));
    await turns();
    expect(onDisk(72)).toBe(900);
    const stopping = world.engine.suspend('s');
    await turns();
    disk.fail(Status.Io, { op: BioOp.Write, times: 1 });
    disk.release();
    await world.wait(stopping);
    expect(await world.status('s')).toBe('Merge failed');
    await world.reload('s', table('P 8'));
    for (const sector of [80, 96, 112]) await world.writeNumbers('s', sector, sector);
    expect(await world.readNumbers('s', 40, 1)).toEqual([500]);
  });
});

describe('a store that ends where the next area would be', () => {
  it('is full one chunk before, and can be read', async () => {
    await world.create('c', '0 34 snapshot-origin chaos:a');
    await world.create('s', `0 ${String(SECTORS)} snapshot chaos:disk c PO 1`);
    const failures: number[] = [];
    for (let sector = 0; sector < 33; sector++)
      await world.writeNumbers('s', sector, 500 + sector).catch(() => failures.push(sector));
    expect(failures).toEqual([31, 32]);
    expect(await world.status('s')).toBe('Overflow');
    expect(await world.readNumbers('s', 30, 3)).toEqual([530, 32, 33]);
    for (const name of ['s', 'c']) await world.remove(name);
  });
});

describe('a merge of a long run', () => {
  it('goes in steps, so that nobody waits for all of it', async () => {
    const size = 40_960;
    const large = world.disk('large', { sectors: size });
    world.disk('cow', { sectors: 2 * size });
    await world.create('s', `0 ${String(size)} snapshot chaos:large chaos:cow P 2048`);
    const port = await world.port('s');
    await world.wait(port.write(0, Buffer.alloc(size * 512, 7)));
    await world.reload('s', `0 ${String(size)} snapshot-merge chaos:large chaos:cow P 2048`);
    await world.merged('s');
    expect(large.data.every((byte) => byte === 7)).toBe(true);
    expect(large.arrived[BioOp.Flush]).toBeGreaterThan(2);
    await world.remove('s');
  });
});
