import { Random } from '@interposer/conformance';
import { BioOp, SECTOR_SIZE } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

const { Write, Discard, WriteZeroes } = BioOp;
const SECTORS = 2048;
/** 4 KiB. */
const BLOCK = 8;
const BLOCKS = SECTORS / BLOCK;

/** A range that was sent down, and what it ended with. */
interface Sent {
  readonly sector: number;
  readonly count: number;
  readonly ended: readonly number[];
}

function blocksOf(ranges: readonly { readonly sector: number; readonly count: number }[]): Set<number> {
  const blocks = new Set<number>();
  for (const { sector, count } of ranges) {
    for (let at = sector; at < sector + count; at++) blocks.add(Math.floor(at / BLOCK));
  }
  return blocks;
}

function block(image: Uint8Array, number: number): Uint8Array {
  const size = BLOCK * SECTOR_SIZE;
  return image.subarray(number * size, (number + 1) * size);
}

function changedBlocks(before: Uint8Array, after: Uint8Array): number[] {
  return Array.from({ length: BLOCKS }, (_, number) => number).filter(
    (number) => Buffer.compare(block(before, number), block(after, number)) !== 0,
  );
}

function copyBlocks(from: Uint8Array, to: Uint8Array, blocks: Iterable<number>): void {
  for (const number of blocks) block(to, number).set(block(from, number));
}

describe.each([1, 2, 3, 4])('a chain of incremental backups under random writes, seed %i', (seed) => {
  let setup: Setup;
  let random: Random;
  let sent: Sent[];

  afterEach(async () => {
    setup.clock.advance(1000);
    await setup.stop();
  });

  async function start(): Promise<void> {
    random = new Random(seed);
    setup = new Setup({ sectors: SECTORS, delay: 20, seed, limits: { maxSectors: 20 } });
    setup.disk.data.fill(7);
    await setup.start('dirty granularity=4K');
    sent = [];
  }

  function sendSome(): void {
    const bios = random.between(0, 25);
    for (let i = 0; i < bios; i++) {
      const sector = random.below(SECTORS);
      const count = Math.min(random.between(1, random.pick([1, 9, 60])), SECTORS - sector);
      const op = random.pick([Write, Write, Discard, WriteZeroes]);
      sent.push({ sector, count, ended: setup.send(op, sector, count, random.between(1, 255)) });
      if (random.chance(0.3)) setup.clock.advance(random.below(20));
    }
  }

  /** Forgets the writes that ended. */
  function keepThoseUnderWay(): void {
    sent = sent.filter(({ ended }) => ended.length === 0);
  }

  async function dirtyBlocks(bitmap: string): Promise<Set<number>> {
    const extents = await setup.extents(bitmap);
    return blocksOf(extents.filter(({ flags }) => flags === 1));
  }

  it('the dirty blocks are those written, a superset of those changed', async () => {
    await start();
    for (let round = 0; round < 25; round++) {
      keepThoseUnderWay();
      await setup.message('clear');
      const before = setup.disk.data.slice();
      sendSome();
      const found = await dirtyBlocks('dirty');
      expect([...found].sort()).toEqual([...blocksOf(sent)].sort());
      expect(changedBlocks(before, setup.disk.data).filter((number) => !found.has(number))).toEqual([]);
    }
  });

  // The snapshot is taken with writes under way: what is in it of them is settled by the disk, not by the filter.
  it('copies of a snapshot at each rotate give the snapshot, also after backups that failed', async () => {
    await start();
    const backup = new Uint8Array(setup.disk.data.length);
    for (let round = 0; round < 40; round++) {
      sendSome();
      await setup.message('rotate now');
      const snapshot = setup.disk.data.slice();
      const blocks = await dirtyBlocks('now');
      if (round > 0 && random.chance(0.3)) {
        copyBlocks(snapshot, backup, [...blocks].slice(0, random.below(blocks.size + 1)));
        await setup.message('merge now');
        continue;
      }
      copyBlocks(snapshot, backup, blocks);
      await setup.message('drop now');
      expect(changedBlocks(snapshot, backup)).toEqual([]);
    }
  });

  it('copies of the disk in use catch up with it when it comes to rest', async () => {
    await start();
    const backup = new Uint8Array(setup.disk.data.length);
    async function copySome(last: boolean): Promise<void> {
      await setup.message('rotate now');
      for (const number of await dirtyBlocks('now')) {
        copyBlocks(setup.disk.data, backup, [number]);
        if (!last && random.chance(0.1)) sendSome();
        if (!last) setup.clock.advance(random.below(3));
      }
      await setup.message('drop now');
    }
    for (let round = 0; round < 5; round++) await copySome(false);
    setup.clock.advance(100);
    await copySome(true);
    expect(changedBlocks(setup.disk.data, backup)).toEqual([]);
  });
});
