import { BioOp, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { noise } from './images.ts';
import { withParity } from './parity-world.ts';
import { outcome } from './world.ts';

/** Blocks of the lowest level of a tree over 300 blocks: behind superblock, top and one level of two. */
const LOWEST = { first: 4, count: 19 };

describe('parity and a damaged tree', () => {
  it('mends a block of the tree where zeroes are ignored, too', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(`ignore_zero_blocks ${words}`);
    world.hash.data.set(noise(5, 512), (LOWEST.first + 3) * 512);
    expect(Buffer.from(await port.read(48, 16)).equals(world.good.subarray(48 * 512, 64 * 512))).toBe(true);
    expect(await world.status()).toBe('V');
  });

  it('gives up in time where all of the lowest level is lost', async () => {
    const { world, words } = await withParity(2);
    const port = await world.open(words);
    world.hash.data.set(noise(5, LOWEST.count * 512), LOWEST.first * 512);
    expect(await outcome(port.read(0, 1))).toBe('EIO');
    // Each block of the lowest level is looked at a few times, and takes the blocks that share its parity.
    expect(world.data.arrived[BioOp.Read]).toBeLessThan(20_000);
  });

  it('keeps a block of the tree that cannot be read and was made out', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(words);
    world.hash.hold((bio) => bio.sector <= LOWEST.first && bio.sector + bio.count > LOWEST.first);
    // What holds also fails: everything that touches the block.
    const reading = port.read(0, 1);
    for (let turn = 0; turn < 400; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const bio of world.hash.held.splice(0)) bio.complete(Status.Io);
    }
    expect(Buffer.from(await reading).equals(world.good.subarray(0, 512))).toBe(true);
    world.hash.fail(Status.Io);
    world.parity.fail(Status.Io);
    expect(Buffer.from(await port.read(1, 1)).equals(world.good.subarray(512, 1024))).toBe(true);
  });

  it('mends a block of the tree once for all who wait for it', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(words);
    world.hash.data.set(noise(5, 512), LOWEST.first * 512);
    await Promise.all(Array.from({ length: 16 }, (_, block) => port.read(block, 1)));
    expect(world.log).toHaveLength(1);
  });
});
