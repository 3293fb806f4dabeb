import { setImmediate } from 'node:timers/promises';
import { BioOp } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { makeStand, type Stand } from './stand.ts';
import { TaggedClient } from './tagged-client.ts';

const SECTORS = 700;
const SHAPE = { tagSize: 200, block: 512 };

/** Sections of 16 entries in 24 sectors, two of them; pages of 20 tags. All goes to its place at once. */
const OPTIONS = 'fix_padding interleave_sectors:64 journal_sectors:48 buffer_sectors:8 journal_watermark:0';
const TABLE = `0 256 integrity chaos:a 0 200 J 5 ${OPTIONS}`;

async function open(stand: Stand): Promise<TaggedClient> {
  await stand.engine.create('i', { table: TABLE });
  return new TaggedClient(await stand.engine.open('i', { claim: 'noexcl' }), SHAPE);
}

/** Whatever can go on has gone on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

describe('the journal', () => {
  it('reads once more what went to its place while it was read', async () => {
    const stand = makeStand(SECTORS);
    const client = await open(stand);
    await client.write(0, 1, 16);
    await client.write(16, 1, 16);
    await stand.engine.suspend('i');
    await stand.engine.resume('i');
    // The first page of tags is there, the second one does not come, when the data has come.
    expect(await client.read(0, 1)).toEqual([1]);
    const { disk } = stand;
    disk.hold((bio) => bio.op === BioOp.Read && bio.count === 8);
    const reading = client.read(18, 5);
    expect(disk.held).toHaveLength(1);
    await client.write(18, 2, 1);
    await settle();
    disk.release();
    expect(await reading).toEqual([2, 1, 1, 1, 1]);
    client.port.close();
  });

  it('writes a block to its place though a newer one is in memory', async () => {
    const stand = makeStand(SECTORS);
    const client = await open(stand);
    const { disk } = stand;
    disk.hold((bio) => bio.op === BioOp.Write);
    await client.write(0, 1, 1);
    await client.write(0, 2, 1);
    disk.release();
    await settle();
    // Both sections are committed in one go now; a power cut leaves only the one in which the first block was.
    const image = disk.data.slice();
    disk.hold((bio) => bio.op === BioOp.Write);
    await client.write(1, 3, 16);
    expect(disk.held.map(({ sector }) => sector)).toEqual([32, 8]);
    const second = disk.held[1]!;
    image.set(second.buffer.subarray(0, 24 * 512), 8 * 512);
    disk.release();
    client.port.close();
    const later = makeStand(SECTORS);
    later.disk.data.set(image);
    const again = await open(later);
    const [number] = await again.read(0, 1);
    again.port.close();
    expect([1, 2]).toContain(number);
  });

  it('takes what was committed to its place in the time that is told', async () => {
    const stand = makeStand(SECTORS);
    const client = await open(stand);
    await client.write(3, 9, 4);
    await settle();
    const block = Buffer.alloc(512, Buffer.from([9, 0, 0, 0]));
    expect(Buffer.from(stand.disk.data).lastIndexOf(block)).toBeGreaterThan(56 * 512);
    client.port.close();
  });

  it('makes room for more than it holds', async () => {
    const stand = makeStand(SECTORS, [], { delay: 1 });
    const client = await open(stand);
    await Promise.all(Array.from({ length: 64 }, (_, index) => client.write(index * 4, index + 1, 4)));
    const found = await client.read(0, 256);
    expect(found).toEqual(Array.from({ length: 256 }, (_, block) => Math.floor(block / 4) + 1));
    client.port.close();
  });
});
