import type { ChaosDisk } from '@interposer/conformance';
import { type Bio, BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ORIGIN, OriginWorld, SECTORS, table } from './origin-world.ts';
import { numbersIn, turns } from './world.ts';

let world: OriginWorld;
let disk: ChaosDisk;
let store: ChaosDisk;

beforeEach(() => {
  world = new OriginWorld();
  ({ origin: disk, store } = world);
});

afterEach(() => world.finish());

describe('a store that is full', () => {
  async function fill(words: string): Promise<{ failed: number }> {
    await world.create('c', '0 80 snapshot-origin chaos:a');
    await world.create('o', ORIGIN);
    await world.create('s', `0 ${String(SECTORS)} snapshot chaos:disk c ${words}`);
    const writes = [];
    for (let sector = 0; sector < SECTORS; sector += 4)
      writes.push(await world.startWrite('o', sector, 1000 + sector));
    let failed = 0;
    for (const { end } of writes) await end().catch(() => failed++);
    return { failed };
  }

  it.each(['P 8', 'PO 8', 'N 8'])('costs the snapshot, and not the origin: %s', async (words) => {
    expect(await fill(words)).toEqual({ failed: 0 });
    expect(await world.status('s')).toBe('Invalid');
    expect((await world.engine.info('s')).eventNr).toBe(1);
    expect(world.log).toEqual(['Invalidating snapshot: Unable to allocate exception']);
    await expect(world.readNumbers('s', 0, 1)).rejects.toMatchObject({ code: 'EIO' });
    await expect(world.writeNumbers('s', 0, 1)).rejects.toMatchObject({ code: 'EIO' });
    const found = await world.readNumbers('o', 0, SECTORS);
    expect(found).toEqual(
      Array.from({ length: SECTORS }, (_, sector) => (sector % 4 === 0 ? 1000 + sector : sector + 1)),
    );
    for (const name of ['s', 'c']) await world.remove(name);
  });

  it('says so on the disk before the origin changes', async () => {
    await world.create('c', '0 32 snapshot-origin chaos:a');
    await world.create('o', ORIGIN);
    await world.create('s', `0 ${String(SECTORS)} snapshot chaos:disk c P 8`);
    await world.writeNumbers('o', 0, 1);
    await world.writeNumbers('o', 8, 1);
    store.hold(({ op, sector }: Bio) => op === BioOp.Write && sector === 0);
    const writing = await world.startWrite('o', 16, 1000);
    await turns();
    expect(writing.ended()).toBe(false);
    expect(numbersIn(disk.data.subarray(16 * 512, 17 * 512))).toEqual([17]);
    store.release();
    await writing.end();
    expect(store.data[4]).toBe(0);
    for (const name of ['s', 'c']) await world.remove(name);
  });
});

describe('what fails below', () => {
  it.each([
    ['a read of the origin for a copy', 'disk', BioOp.Read],
    ['a write to the store', 'store', BioOp.Write],
    ['a flush of the store', 'store', BioOp.Flush],
  ] as const)('%s costs the snapshot, and not the origin', async (_, which, op) => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    (which === 'disk' ? disk : store).fail(Status.Io, { op, times: 1 });
    await world.writeNumbers('o', 0, 1000);
    expect(await world.status('s')).toBe('Invalid');
    expect(world.log).toEqual(['Invalidating snapshot: Error reading/writing']);
    expect(await world.readNumbers('o', 0, 2)).toEqual([1000, 2]);
    await world.remove('s');
    await world.create('s', table('P 8'));
    expect(await world.status('s')).toBe('Invalid');
  });

  it('a store that takes nothing any more is told of, and holds nobody up', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    store.fail(Status.Io);
    await world.writeNumbers('o', 0, 1000);
    expect(world.log).toEqual([
      'Invalidating snapshot: Error reading/writing',
      expect.stringMatching(/^write header failed: /),
    ]);
  });

  it('a store that never answers is waited for, but not for ever, when the snapshot goes', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    store.hold();
    const writing = await world.startWrite('o', 0, 1000);
    const before = world.clock.now();
    await world.remove('s');
    expect(world.clock.now() - before).toBeGreaterThanOrEqual(10_000);
    expect(world.log).toEqual(['the devices below do not answer: not all is copied out']);
    store.release();
    await writing.end();
    expect(await world.readNumbers('o', 0, 1)).toEqual([1000]);
  });
});

describe('a store that is no good is refused:', () => {
  /** The first words of a store, and an entry of its first area. */
  function fill(header: readonly number[], entry: readonly number[] = []): void {
    const data = Buffer.from(store.data.buffer);
    for (const [index, word] of header.entries()) data.writeUInt32LE(word, index * 4);
    for (const [index, word] of entry.entries()) data.writeBigUInt64LE(BigInt(word), 8 * 512 + index * 8);
  }
  const MAGIC = 0x70416e53;

  it.each([
    ['another disk', [1], [], 'Invalid or corrupt snapshot'],
    ['another version', [MAGIC, 1, 2, 8], [], 'unable to handle snapshot disk version 2'],
    [
      'an odd chunk size',
      [MAGIC, 1, 1, 12],
      [],
      'invalid on-disk chunk size 12: Chunk size is not a power of 2',
    ],
    ['no chunk size', [MAGIC, 1, 1, 0], [], 'invalid on-disk chunk size 0: Chunk size is not a power of 2'],
    [
      'data behind its end',
      [MAGIC, 1, 1, 8],
      [3, 64],
      'an exception of chunk 3 lies at 64, outside of the store',
    ],
    ['too large a number', [MAGIC, 1, 1, 8], [2 ** 40, 2], 'an exception of chunk 1099511627776 lies at 2'],
  ])('%s', async (_, header, entry, reason) => {
    fill(header, entry);
    const before = store.data.slice();
    await expect(world.create('s', table('P 8'))).rejects.toMatchObject({
      message: expect.stringContaining(`Failed to read snapshot metadata: ${reason}`),
    });
    expect(Buffer.compare(store.data, before)).toBe(0);
  });

  it('but for one that cannot be read', async () => {
    store.fail(Status.Io, { op: BioOp.Read });
    await expect(world.create('s', table('P 8'))).rejects.toMatchObject({ code: 'EIO' });
    store.heal();
    await world.create('s', table('P 8'));
  });
});
