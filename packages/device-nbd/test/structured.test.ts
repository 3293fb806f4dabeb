import { Random } from '@interposer/conformance';
import {
  ChunkType,
  CommandFlag,
  encodeBlockStatus,
  encodeChunkError,
  NbdCommand,
  NbdOption,
  OptionReply,
} from '@interposer/nbd-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type Arrived, chunkOf, dataAt, holeAt } from './fake-server.ts';
import { cleanUp, open } from './opened.ts';

afterEach(cleanUp);

const { None, OffsetData, OffsetHole, BlockStatus } = ChunkType;
const ErrorChunk = ChunkType.Error;
const { ErrorOffset } = ChunkType;

describe.each(['structured', 'extended'] as const)('%s replies', (headers) => {
  it('a read in chunks, holes, out of order, interleaved with another', async () => {
    const { server, port } = await open({ headers });
    const reads = [port.read(8, 8, Buffer.alloc(4096, 0xee)), port.read(100, 4)];
    const [first, second] = (await server.take(2)) as [Arrived, Arrived];
    server.chunk(first, OffsetData, dataAt(4096 + 3072, Buffer.alloc(1024, 4)), false);
    server.chunk(second, OffsetData, dataAt(51200 + 1, Buffer.alloc(2047, 9)), false);
    server.chunk(first, OffsetHole, holeAt(4096 + 512, 2560), false);
    server.chunk(second, OffsetData, dataAt(51200, Buffer.alloc(1, 8)), true);
    server.chunk(first, OffsetData, dataAt(4096, Buffer.alloc(512, 1)), false);
    server.chunk(first, None);
    const [a, b] = (await Promise.all(reads)) as [Uint8Array, Uint8Array];
    expect(Buffer.from(a)).toEqual(
      Buffer.concat([Buffer.alloc(512, 1), Buffer.alloc(2560), Buffer.alloc(1024, 4)]),
    );
    expect(b[0]).toBe(8);
    expect(b.subarray(1).every((byte) => byte === 9)).toBe(true);
  });

  it('an error with text fails its request only, and is told', async () => {
    const { server, port, log } = await open({ headers });
    const reads = [port.read(0, 8), port.read(8, 1), port.write(20, Buffer.alloc(512))];
    const [first, second, third] = (await server.take(3)) as [Arrived, Arrived, Arrived];
    server.chunk(first, OffsetData, dataAt(0, Buffer.alloc(512, 1)), false);
    const error = encodeChunkError({ error: 28, message: 'disk\nfull', offset: 0 });
    server.chunk(first, ErrorOffset, error, false);
    server.chunk(first, OffsetData, dataAt(512, Buffer.alloc(512, 1)), false);
    server.chunk(first, None);
    server.chunk(second, OffsetData, dataAt(4096, Buffer.alloc(512, 3)));
    server.chunk(third, ErrorChunk, encodeChunkError({ error: 1, message: '' }));
    await expect(reads[0]).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(((await reads[1]) as Uint8Array)[0]).toBe(3);
    await expect(reads[2]).rejects.toMatchObject({ code: 'EPERM' });
    expect(log.join()).toMatch(/sector 0 failed: disk full$/);
  });

  it('texts of errors are bounded in number and length', async () => {
    const { server, port, log } = await open({ headers });
    const reads = Array.from({ length: 50 }, () => port.read(0, 1));
    const message = 'x'.repeat(4096);
    for (const request of await server.take(50)) {
      server.chunk(request, ErrorChunk, encodeChunkError({ error: 5, message }));
    }
    await Promise.allSettled(reads);
    const told = log.filter((line) => line.includes('xxx'));
    expect(told.length).toBe(20);
    expect(Math.max(...told.map((line) => line.length))).toBeLessThan(500);
  });

  it('an error of an unknown kind is an error', async () => {
    const { server, port } = await open({ headers });
    const reads = [port.read(0, 1), port.read(0, 1)];
    const [first, second] = (await server.take(2)) as [Arrived, Arrived];
    server.send(chunkOf(first, 0x8123, Buffer.alloc(77, 1)));
    server.send(chunkOf(second, 0x8123));
    for (const read of reads) await expect(read).rejects.toMatchObject({ code: 'EIO' });
    const after = port.read(0, 1);
    server.chunk((await server.take(1))[0]!, OffsetData, dataAt(0, Buffer.alloc(512, 1)));
    expect((await after)[0]).toBe(1);
  });

  it('a part that is left out fails the read, and nothing old is seen', async () => {
    const { server, port, log } = await open({ headers });
    const into = Buffer.alloc(1024, 0x77);
    const read = port.read(0, 2, into);
    server.chunk((await server.take(1))[0]!, OffsetData, dataAt(1, Buffer.alloc(1023, 1)));
    await expect(read).rejects.toMatchObject({ code: 'EIO' });
    expect(into.every((byte) => byte === 0)).toBe(true);
    expect(log.join()).toMatch(/left a part of the data out/);
  });

  const read8: [string, (request: Arrived) => Buffer[]][] = [
    ['data before the request', (r) => [chunkOf(r, OffsetData, dataAt(4095, Buffer.alloc(9)))]],
    ['data behind the request', (r) => [chunkOf(r, OffsetData, dataAt(8191, Buffer.alloc(2)))]],
    ['data at 2^63', (r) => [chunkOf(r, OffsetData, Buffer.alloc(20, 0x80))]],
    ['a chunk without data', (r) => [chunkOf(r, OffsetData, dataAt(4096, Buffer.alloc(0)))]],
    ['a hole without length', (r) => [chunkOf(r, OffsetHole, holeAt(4096, 0))]],
    ['a hole that is too large', (r) => [chunkOf(r, OffsetHole, holeAt(4096, 2 ** 32 - 1))]],
    ['a hole of another size', (r) => [chunkOf(r, OffsetHole, Buffer.alloc(11))]],
    [
      'a byte twice',
      (r) => [
        chunkOf(r, OffsetData, dataAt(4096, Buffer.alloc(10)), false),
        chunkOf(r, OffsetData, dataAt(4105, Buffer.alloc(1))),
      ],
    ],
    [
      'a byte twice, out of order',
      (r) => [
        chunkOf(r, OffsetData, dataAt(5000, Buffer.alloc(10)), false),
        chunkOf(r, OffsetHole, holeAt(4096, 905)),
      ],
    ],
    ['nothing that is not the end', (r) => [chunkOf(r, None, undefined, false)]],
    ['nothing with a payload', (r) => [chunkOf(r, None, Buffer.alloc(1))]],
    ['an unknown type', (r) => [chunkOf(r, 77, Buffer.alloc(4))]],
    ['a status of blocks', (r) => [chunkOf(r, BlockStatus, Buffer.alloc(12))]],
    ['an error without number', (r) => [chunkOf(r, ErrorChunk, Buffer.alloc(6))]],
    [
      'an error whose text is cut off',
      (r) => [chunkOf(r, ErrorChunk, Buffer.from('00000005000a4141', 'hex'))],
    ],
    [
      'an error elsewhere',
      (r) => [chunkOf(r, ErrorOffset, encodeChunkError({ error: 5, message: '', offset: 8192 }))],
    ],
    ['a huge error', (r) => [chunkOf(r, 0x8001, Buffer.alloc(9000, 1))]],
    [
      'a simple reply',
      (r) => [Buffer.concat([Buffer.from('6744669800000000', 'hex'), r.frame.subarray(8, 16)])],
    ],
  ];

  it.each(read8)('%s: the server is not believed any more', async (_, bytes) => {
    const { server, port, log } = await open({ headers }, 'write', '&reconnect=60');
    const read = port.read(8, 8);
    const [request] = await server.take(1);
    server.send(Buffer.concat(bytes(request!)));
    await expect(read).rejects.toMatchObject({ code: 'EIO' });
    await server.gone();
    expect(log.join()).toMatch(/the NBD connection broke: the server/);
  });

  it('data in answer to a write: the server is not believed any more', async () => {
    const { server, port } = await open({ headers });
    const write = port.write(0, Buffer.alloc(512));
    server.chunk((await server.take(1))[0]!, OffsetData, dataAt(0, Buffer.alloc(512)));
    await expect(write).rejects.toMatchObject({ code: 'EIO' });
  });

  it('a read that is scattered beyond reason ends the connection, not the memory', async () => {
    const { server, port } = await open({ headers });
    const read = port.read(0, 32);
    const [request] = await server.take(1);
    const chunks = Array.from({ length: 8192 }, (_, i) =>
      chunkOf(request!, OffsetData, dataAt(16383 - 2 * i, Buffer.alloc(1)), false),
    );
    server.send(Buffer.concat(chunks));
    await expect(read).rejects.toMatchObject({ code: 'EIO' });
  });

  it('answers cut and ordered at random are read as they are meant', async () => {
    const { server, port } = await open({ headers });
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const expected: Buffer[] = [];
      const reads = Array.from({ length: 4 }, (_, i) => port.read(i * 300, random.pick([1, 2, 64, 300])));
      const arrived = await server.take(4);
      const queues = arrived.map((request) => answerAtRandom(random, request, expected));
      const bytes: Buffer[] = [];
      while (queues.some((queue) => queue.length > 0)) {
        const queue = random.pick(queues);
        if (queue.length > 0) bytes.push(queue.shift()!);
      }
      await sendInPieces(random, Buffer.concat(bytes), (piece) => server.send(piece));
      for (const [i, read] of reads.entries())
        expect(Buffer.from(await read).equals(expected[i]!)).toBe(true);
    }
  });

  it('a connection cut at any byte of an answer fails what was not complete', async () => {
    const length = chunkOf(
      { frame: Buffer.alloc(headers === 'extended' ? 32 : 28), offset: 0 } as Arrived,
      1,
    ).length;
    for (let cut = 0; cut < length + 8 + 512; cut += cut < length + 9 ? 1 : 101) {
      const { server, port } = await open({ headers });
      const reads = [port.read(0, 1), port.read(1, 1)];
      const [first, second] = (await server.take(2)) as [Arrived, Arrived];
      server.chunk(first, OffsetData, dataAt(0, Buffer.alloc(512, 1)));
      server.send(chunkOf(second, OffsetData, dataAt(512, Buffer.alloc(512, 2))).subarray(0, cut));
      await reads[0];
      server.links[0]!.destroySoon();
      await expect(reads[1]).rejects.toMatchObject({ code: 'EIO' });
      await cleanUp();
    }
  });
});

describe('extended headers', () => {
  it('requests have 32 bytes, and writes say that they have a payload', async () => {
    const { server, port } = await open({ headers: 'extended', size: 2 ** 40 });
    const all = [port.write(2, Buffer.alloc(1024, 5)), port.discard(8, 8), port.flush()];
    const arrived = await server.take(3);
    expect(arrived.map(({ command, flags, offset, length }) => [command, flags, offset, length])).toEqual([
      [NbdCommand.Write, CommandFlag.PayloadLength, 1024, 1024],
      [NbdCommand.Trim, 0, 4096, 4096],
      [NbdCommand.Flush, 0, 0, 0],
    ]);
    for (const request of arrived) server.chunk(request, None);
    await Promise.all(all);
  });

  it('a range may be larger than 4 GiB; with others it goes in pieces', async () => {
    const { server, port } = await open({ headers: 'extended', size: 2 ** 40 });
    const discard = port.discard(0, 2 ** 31);
    const [request] = await server.take(1);
    expect(request!.length).toBe(2 ** 40);
    server.chunk(request!, None);
    await discard;
    const compact = await open({ size: 2 ** 40 });
    const zeroes = compact.port.writeZeroes(0, 2 ** 24);
    const pieces = await compact.server.take(3);
    expect(pieces.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 2 ** 32 - 512],
      [2 ** 32 - 512, 2 ** 32 - 512],
      [2 ** 33 - 1024, 1024],
    ]);
    for (const piece of pieces) compact.server.reply(piece);
    await zeroes;
  });

  it('an answer with another offset is not believed', async () => {
    const { server, port } = await open({ headers: 'extended' });
    const read = port.read(8, 1);
    const [request] = await server.take(1);
    server.send(chunkOf({ ...request!, offset: 0 }, OffsetData, dataAt(4096, Buffer.alloc(512))));
    await expect(read).rejects.toMatchObject({ code: 'EIO' });
  });

  it('a structured chunk is not believed', async () => {
    const { server, port } = await open({ headers: 'extended' });
    const read = port.read(8, 1);
    const [request] = await server.take(1);
    const bytes = chunkOf(
      { ...request!, frame: request!.frame.subarray(0, 28) },
      ErrorChunk,
      Buffer.alloc(6, 1),
    );
    server.send(Buffer.concat([bytes, Buffer.alloc(32)]));
    await expect(read).rejects.toMatchObject({ code: 'EIO' });
  });
});

/** An answer in chunks of any size and order; what it means goes to `expected`. */
function answerAtRandom(random: Random, request: Arrived, expected: Buffer[]): Buffer[] {
  const data = Buffer.alloc(request.length);
  const payloads: { type: number; payload: Buffer; order: number }[] = [];
  for (let at = 0; at < data.length;) {
    const length = Math.min(data.length - at, random.between(1, random.pick([3, 600, 100_000])));
    const start = request.offset + at;
    const isHole = random.chance(0.3);
    if (!isHole) data.fill(random.between(1, 255), at, at + length);
    const payload = isHole ? holeAt(start, length) : dataAt(start, data.subarray(at, at + length));
    const order = random.chance(0.5) ? at : random.below(data.length);
    payloads.push({ type: isHole ? OffsetHole : OffsetData, payload, order });
    at += length;
    // Few pieces of a large read, so that the run stays short.
    if (payloads.length === 40) {
      payloads.push({ type: OffsetHole, payload: holeAt(request.offset + at, data.length - at), order: at });
      if (at === data.length) payloads.pop();
      break;
    }
  }
  expected.push(data);
  const endsApart = random.chance(0.5);
  const sorted = payloads.sort((a, b) => a.order - b.order);
  const chunks = sorted.map(({ type, payload }, i) =>
    chunkOf(request, type, payload, !endsApart && i === sorted.length - 1),
  );
  return endsApart ? [...chunks, chunkOf(request, None)] : chunks;
}

async function sendInPieces(random: Random, bytes: Buffer, send: (piece: Buffer) => void): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const length = random.between(1, random.pick([2, 40, 5000, 70_000]));
    send(bytes.subarray(at, at + length));
    at += length;
    if (random.chance(0.05)) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a server that knows structured replies and not GO', () => {
  it('answers in chunks after EXPORT_NAME all the same', async () => {
    const { server, port } = await open({
      headers: 'structured',
      allocation: 7,
      refuse: { [NbdOption.Go]: OptionReply.ErrUnsupported },
    });
    const read = port.read(0, 1);
    const [request] = await server.take(1);
    server.chunk(request!, OffsetData, dataAt(0, Buffer.alloc(512, 9)));
    expect((await read)[0]).toBe(9);
    const extents = port.extents(0, 8);
    const [question] = await server.take(1);
    expect(question!.command).toBe(NbdCommand.BlockStatus);
    server.chunk(question!, BlockStatus, encodeBlockStatus(7, [{ length: 4096, flags: 3 }]));
    expect(await extents).toEqual([{ sector: 0, count: 8, hole: true, zero: true }]);
  });
});
