import {
  ChunkType,
  encodeBlockStatus,
  encodeChunkError,
  encodeExtendedBlockStatus,
  NbdCommand,
  NbdOption,
} from '@interposer/nbd-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type Arrived, type FakeServer } from './fake-server.ts';
import { cleanUp, open } from './opened.ts';

afterEach(cleanUp);

const TIB = 2 ** 40;
const data = (sector: number, count: number) => ({ sector, count, hole: false, zero: false });
const hole = (sector: number, count: number) => ({ sector, count, hole: true, zero: true });

async function asked(server: FakeServer): Promise<Arrived> {
  const [request] = await server.take(1);
  expect(request).toMatchObject({ command: NbdCommand.BlockStatus, flags: 0 });
  return request!;
}

function tell(
  server: FakeServer,
  request: Arrived,
  extents: [length: number, flags: number][],
  id = 7,
): void {
  const list = extents.map(([length, flags]) => ({ length, flags }));
  const extended = request.frame.length === 32;
  const payload = extended ? encodeExtendedBlockStatus(id, list) : encodeBlockStatus(id, list);
  server.chunk(request, extended ? ChunkType.BlockStatusExtended : ChunkType.BlockStatus, payload);
}

describe('extents', () => {
  it('are what the server tells, in as many answers as it takes; the last may run past the range', async () => {
    const { server, port } = await open({ headers: 'structured', allocation: 7 });
    expect(server.options).toEqual([
      NbdOption.ExtendedHeaders,
      NbdOption.StructuredReply,
      NbdOption.SetMetaContext,
      NbdOption.Go,
    ]);
    const extents = port.extents(8, 100);
    const first = await asked(server);
    expect([first.offset, first.length]).toEqual([4096, 51200]);
    tell(server, first, [
      [512, 0],
      [512, 0],
      [5120, 3],
    ]);
    const second = await asked(server);
    expect([second.offset, second.length]).toEqual([4096 + 6144, 51200 - 6144]);
    tell(server, second, [
      [512, 3],
      [512, 2],
      [10_000_000, 1],
    ]);
    expect(await extents).toEqual([
      data(8, 2),
      hole(10, 11),
      { sector: 21, count: 1, hole: false, zero: true },
      { sector: 22, count: 86, hole: true, zero: false },
    ]);
  });

  it('a sector of two kinds is data', async () => {
    const { server, port } = await open({ headers: 'structured', allocation: 7 });
    const extents = port.extents(0, 4);
    tell(server, await asked(server), [
      [700, 3],
      [100, 0],
      [5000, 3],
    ]);
    expect(await extents).toEqual([hole(0, 1), data(1, 1), hole(2, 2)]);
  });

  it('what the server does not tell is data: an error, nothing, no progress', async () => {
    const { server, port } = await open({ headers: 'structured', allocation: 7 });
    for (const answer of [
      (request: Arrived) =>
        server.chunk(request, ChunkType.Error, encodeChunkError({ error: 22, message: 'no' })),
      (request: Arrived) => server.chunk(request, ChunkType.None),
      (request: Arrived) => tell(server, request, [[100, 3]]),
    ]) {
      const extents = port.extents(4, 10);
      answer(await asked(server));
      expect(await extents).toEqual([data(4, 10)]);
    }
  });

  it('questions of 28 bytes stay below 4 GiB; those of 32 need not', async () => {
    const small = await open({ headers: 'structured', allocation: 7, size: TIB });
    let extents = small.port.extents(0, TIB / 512);
    for (let at = 0; at < TIB;) {
      const request = await asked(small.server);
      expect(request.offset).toBe(at);
      expect(request.length).toBe(Math.min(TIB - at, 2 ** 32 - 512));
      at += request.length;
      tell(small.server, request, [[request.length, 3]]);
    }
    expect(await extents).toEqual([hole(0, TIB / 512)]);
    const large = await open({ headers: 'extended', allocation: 7, size: TIB });
    expect(large.server.options).toEqual([NbdOption.ExtendedHeaders, NbdOption.SetMetaContext, NbdOption.Go]);
    extents = large.port.extents(0, TIB / 512);
    const request = await asked(large.server);
    expect(request.length).toBe(TIB);
    tell(large.server, request, [
      [2 ** 39, 3],
      [2 ** 52, 0],
    ]);
    expect(await extents).toEqual([hole(0, 2 ** 30), data(2 ** 30, 2 ** 30)]);
  });

  it('of a server that cannot tell, all is data', async () => {
    for (const headers of ['simple', 'structured', 'extended'] as const) {
      const { server, port } = await open({ headers });
      expect(await port.extents(0, 100)).toEqual([data(0, 100)]);
      expect(server.requests).toHaveLength(0);
    }
  });

  it.each([
    ['a context that was not chosen', (server: FakeServer, r: Arrived) => tell(server, r, [[512, 0]], 8)],
    [
      'a malformed status',
      (server: FakeServer, r: Arrived) => server.chunk(r, ChunkType.BlockStatus, Buffer.alloc(9)),
    ],
    ['an extent without length', (server: FakeServer, r: Arrived) => tell(server, r, [[0, 0]])],
    [
      'one context twice',
      (server: FakeServer, r: Arrived) => {
        const payload = encodeBlockStatus(7, [{ length: 512, flags: 0 }]);
        server.chunk(r, ChunkType.BlockStatus, payload, false);
        server.chunk(r, ChunkType.BlockStatus, payload);
      },
    ],
  ])('%s: the server is not believed any more', async (_, answer) => {
    const { server, port, log } = await open({ headers: 'structured', allocation: 7 });
    const extents = port.extents(0, 1);
    answer(server, await asked(server));
    await server.gone();
    expect(await extents).toEqual([data(0, 1)]);
    expect(log.join()).toMatch(/malformed status|may not be/);
  });
});
