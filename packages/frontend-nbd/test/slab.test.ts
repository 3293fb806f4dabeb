import type { ChaosDisk } from '@interposer/conformance';
import type { Bio } from '@interposer/core';
import { NbdCommand, REQUEST_BYTES, SIMPLE_REPLY_BYTES } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { SLAB_BYTES } from '../src/slab.ts';
import { pattern, serve, until } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const { Write } = NbdCommand;
const BLOCK = 4096;
const MIB = 2 ** 20;

/** A write as bytes on the wire. */
function frameOf(offset: number, data: Buffer): Buffer {
  return Buffer.concat([RawClient.frame(Write, offset, data.length), data]);
}

/** Writes of one block each, one behind the other, each with data of its own. */
function burst(first: number, count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, i) => frameOf((first + i) * BLOCK, pattern(BLOCK, first + i))),
  );
}

/** What `burst` leaves on the disk. */
function blocks(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => pattern(BLOCK, i)));
}

/** Which piece of memory of a slab's size the data of a bio lie in; the pool cuts them out of larger ones. */
function slabOf({ buffer, bufferOffset }: Bio): string {
  return `${memoryNumber(buffer.buffer)}:${String(Math.floor((buffer.byteOffset + bufferOffset) / SLAB_BYTES))}`;
}

const memories: ArrayBufferLike[] = [];

function memoryNumber(memory: ArrayBufferLike): number {
  if (!memories.includes(memory)) memories.push(memory);
  return memories.indexOf(memory);
}

/** Ends what is held, and takes the replies. */
async function finish(disk: ChaosDisk, client: RawClient, order: 'oldest' | 'newest'): Promise<void> {
  const replies = disk.held.length;
  disk.release(order);
  const bytes = await client.read(replies * SIMPLE_REPLY_BYTES);
  for (let i = 0; i < replies; i++) expect(bytes.readUInt32BE(i * SIMPLE_REPLY_BYTES + 4)).toBe(0);
}

/** The first write of a connection tells it that more may come. */
async function writer(options: Parameters<typeof serve>[0] = {}): Promise<{
  client: RawClient;
  disk: ChaosDisk;
}> {
  const fixture = await serve(options);
  const client = await fixture.client();
  expect((await client.write(0, pattern(512))).error).toBe(0);
  return { client, disk: fixture.disk! };
}

describe('data of writes stay where they came in', () => {
  it.each(['oldest', 'newest'] as const)(
    'until the device has ended them, %s first, whatever comes meanwhile',
    async (order) => {
      const { client, disk } = await writer();
      disk.hold();
      for (let first = 0; first < 240; first += 24) {
        client.send(burst(first, 24));
        await until(() => disk.held.length === first + 24);
      }
      await finish(disk, client, order);
      expect((await client.readAt(0, 240 * BLOCK)).equals(blocks(240))).toBe(true);
    },
  );

  it('while some of a burst end early and others late', async () => {
    const { client, disk } = await writer();
    disk.hold((bio) => bio.sector % 3 !== 0);
    for (let first = 0; first < 240; first += 40) {
      client.send(burst(first, 40));
      await client.read(SIMPLE_REPLY_BYTES);
    }
    await until(() => disk.held.length === 160);
    disk.release('newest');
    await client.read(234 * SIMPLE_REPLY_BYTES);
    expect((await client.readAt(0, 240 * BLOCK)).equals(blocks(240))).toBe(true);
  });

  it('also when reading stopped for a while in between', async () => {
    const { client, disk } = await writer({ maxBufferedBytes: 3 * SLAB_BYTES });
    disk.hold();
    client.send(burst(0, 240));
    for (let ended = 0; ended < 240; ended++) {
      await until(() => disk.held.length > 0);
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      disk.releaseOne();
    }
    await client.read(240 * SIMPLE_REPLY_BYTES);
    disk.release();
    expect((await client.readAt(0, 240 * BLOCK)).equals(blocks(240))).toBe(true);
  });

  it('and are copied only if they did not come in whole', async () => {
    const { client, disk } = await writer();
    disk.hold();
    const two = burst(0, 2);
    client.send(two.subarray(0, two.length - 100));
    await until(() => disk.held.length === 1);
    client.send(two.subarray(two.length - 100));
    client.send(burst(2, 6));
    await until(() => disk.held.length === 8);
    const [first, inPieces, ...others] = disk.held.map(slabOf);
    expect(others.every((slab) => slab === first)).toBe(true);
    expect(inPieces).not.toBe(first);
    await finish(disk, client, 'newest');
    expect((await client.readAt(0, 8 * BLOCK)).equals(blocks(8))).toBe(true);
  });
});

describe('slabs', () => {
  it('are used again', async () => {
    const { client, disk } = await writer();
    const seen = new Set<string>();
    for (let round = 0; round < 30; round++) {
      disk.hold();
      client.send(burst(0, 16));
      await until(() => disk.held.length === 16);
      for (const bio of disk.held) seen.add(slabOf(bio));
      await finish(disk, client, 'oldest');
    }
    expect(seen.size).toBeLessThanOrEqual(3);
  });

  it('hold many small writes that come one by one', async () => {
    const { client, disk } = await writer();
    disk.hold();
    for (let i = 0; i < 32; i++) {
      client.send(burst(i, 1));
      await until(() => disk.held.length === i + 1);
    }
    expect(new Set(disk.held.map(slabOf)).size).toBe(1);
    await finish(disk, client, 'newest');
    expect((await client.readAt(0, 32 * BLOCK)).equals(blocks(32))).toBe(true);
  });

  it('count in full, however little pins them', async () => {
    const { client, disk } = await writer({ maxBufferedBytes: MIB });
    disk.hold((bio) => bio.count === 1);
    const rest = burst(0, 50);
    let answered = 0;
    client.socket.removeAllListeners('data').on('data', (piece: Buffer) => (answered += piece.length));
    for (let i = 0; i < 12; i++)
      client.send(Buffer.concat([frameOf(MIB - (i + 1) * 512, pattern(512, i)), rest]));
    for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(disk.held.length).toBeGreaterThan(1);
    expect(disk.held.length).toBeLessThan(6);
    disk.release();
    await until(() => answered === 12 * 51 * SIMPLE_REPLY_BYTES);
  });
});

describe('large writes', () => {
  it('and small requests between them are told apart', async () => {
    const { client } = await writer();
    const model = Buffer.alloc(MIB);
    const sizes = [300_032, 512, 524_288, 600_064, 4096, 4096, 262_656, 1024, 400_384];
    const writes = sizes.map((size, i) => {
      const data = pattern(size, i);
      data.copy(model, i * 512);
      return client.write(i * 512, data);
    });
    for (const { error } of await Promise.all(writes)) expect(error).toBe(0);
    expect((await client.readAt(0, 700_000)).equals(model.subarray(0, 700_000))).toBe(true);
  });

  it.each([1, 10, REQUEST_BYTES - 1, REQUEST_BYTES])(
    'may be followed by %i bytes of a header, and the rest later',
    async (bytes) => {
      const { client } = await writer();
      const data = pattern(500_224, 3);
      expect((await client.write(0, data)).error).toBe(0);
      const next = burst(0, 1);
      client.send(next.subarray(0, bytes));
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      client.send(next.subarray(bytes));
      await client.read(SIMPLE_REPLY_BYTES);
      pattern(BLOCK, 0).copy(data);
      expect((await client.readAt(0, data.length)).equals(data)).toBe(true);
    },
  );
});
