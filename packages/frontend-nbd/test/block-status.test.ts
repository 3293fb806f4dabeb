import { Random } from '@interposer/conformance';
import { CommandFlag, MAX_EXTENTS, NbdCommand, NbdError, type StatusExtent } from '@interposer/nbd-protocol';
import { ALL_OPS, defineFilter, type Extent, type FilterType, PreResult } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import type { ChunkClient, DialectName } from './chunk-client.ts';
import { pattern, serve } from './fixture.ts';

const ALLOCATION = ['base:allocation'];
const CHUNK = 64 * 1024;
const GIB = 2 ** 30;
const HOLE = 3;

/** Every so many sectors another kind, beginning with data. */
function fragments(sectors: number, from = 0): FilterType {
  return defineFilter({
    name: 'fragments',
    version: [1, 0, 0],
    ops: ALL_OPS,
    altitude: '420000',
    params: [],
    attach: () => ({
      pre: () => PreResult.Pass,
      extents: (_, sector, count) => {
        const extents: Extent[] = [];
        for (let at = sector; at < sector + count;) {
          const next = at < from ? from : at - (at % sectors) + sectors;
          const end = Math.min(sector + count, next);
          const hole = at < from || Math.floor(at / sectors) % 2 === 1;
          extents.push({ sector: at, count: end - at, hole, zero: hole });
          at = end;
        }
        return Promise.resolve(extents);
      },
      table: () => '',
    }),
  });
}

/** A device of 1 MiB with data in the chunks of the given numbers. */
async function withChunks(dialect: DialectName, ...chunks: readonly number[]): Promise<ChunkClient> {
  const client = await (await serve({ device: 'ram:1M' })).checked(dialect, ALLOCATION);
  for (const chunk of chunks) await client.put(chunk * CHUNK, pattern(CHUNK));
  return client;
}

describe.each(['structured', 'extended'] as const)('block status in %s replies', (dialect) => {
  it('tells data from holes, and merges what is alike', async () => {
    const client = await withChunks(dialect, 1, 2, 7);
    expect(await client.extents(0, 16 * CHUNK)).toEqual([
      { length: CHUNK, flags: HOLE },
      { length: 2 * CHUNK, flags: 0 },
      { length: 4 * CHUNK, flags: HOLE },
      { length: CHUNK, flags: 0 },
      { length: 8 * CHUNK, flags: HOLE },
    ]);
  });

  it('with REQ_ONE tells one extent, and not more than was asked for', async () => {
    const client = await withChunks(dialect, 1, 2);
    const one = CommandFlag.ReqOne;
    expect(await client.extents(0, 16 * CHUNK, one)).toEqual([{ length: CHUNK, flags: HOLE }]);
    expect(await client.extents(CHUNK, 16 * CHUNK - CHUNK, one)).toEqual([{ length: 2 * CHUNK, flags: 0 }]);
    expect(await client.extents(CHUNK, 512, one)).toEqual([{ length: 512, flags: 0 }]);
    expect(await client.extents(16 * CHUNK - 1, 1, one)).toEqual([{ length: 1, flags: HOLE }]);
  });

  it('of any bytes begins there and ends there', async () => {
    const client = await withChunks(dialect, 1);
    expect(await client.extents(77, 100)).toEqual([{ length: 100, flags: HOLE }]);
    expect(await client.extents(CHUNK - 5, 10)).toEqual([
      { length: 5, flags: HOLE },
      { length: 5, flags: 0 },
    ]);
    expect(await client.extents(2 * CHUNK - 1, 2)).toEqual([
      { length: 1, flags: 0 },
      { length: 1, flags: HOLE },
    ]);
  });

  it('agrees with what is read, wherever one asks', async () => {
    const client = await withChunks(dialect, 0, 3, 4, 9, 15);
    const allocated = new Set([0, 3, 4, 9, 15]);
    const random = new Random(3);
    for (let i = 0; i < 100; i++) {
      const offset = random.below(2 ** 20);
      const length = 1 + random.below(2 ** 20 - offset);
      const extents = await client.extents(offset, length);
      let at = offset;
      for (const extent of extents) {
        for (let byte = at; byte < at + extent.length; byte += 997) {
          expect(extent.flags).toBe(allocated.has(Math.floor(byte / CHUNK)) ? 0 : HOLE);
        }
        at += extent.length;
      }
      expect(at).toBe(offset + length);
    }
  });

  it('of nothing, or beyond the end, is refused', async () => {
    const client = await withChunks(dialect);
    for (const [offset, length] of [
      [0, 0],
      [2 ** 20, 0],
      [2 ** 20, 1],
      [2 ** 20 - 1, 2],
      [0, 2 ** 20 + 1],
      [0, 2 ** 32 - 1],
    ] as const) {
      expect((await client.status(offset, length)).error).toBe(NbdError.Inval);
    }
    for (const flags of [CommandFlag.Df, CommandFlag.NoHole, CommandFlag.FastZero, 0x100]) {
      expect((await client.status(0, 512, flags)).error).toBe(NbdError.Inval);
    }
    expect((await client.status(0, 512, CommandFlag.Fua)).error).toBe(0);
  });

  it('of a device that cannot tell is data', async () => {
    const client = await (await serve()).checked(dialect, ALLOCATION);
    expect(await client.extents(0, 2 ** 20)).toEqual([{ length: 2 ** 20, flags: 0 }]);
  });

  it('of a badly fragmented device ends where an answer is long enough, and goes on when asked again', async () => {
    const fixture = await serve({ device: 'ram:2G', types: [fragments(1)] });
    await fixture.engine.attachFilter(fixture.port.device.name, 'fragments');
    const client = await fixture.checked(dialect, ALLOCATION);
    const first = await client.extents(512, 2 * GIB - 512);
    expect(first.length).toBeGreaterThan(1000);
    expect(first.length).toBeLessThanOrEqual(MAX_EXTENTS);
    expect(first.every(({ length, flags }, i) => length === 512 && flags === (i % 2 === 0 ? HOLE : 0))).toBe(
      true,
    );
    const at = 512 + sum(first);
    expect((await client.extents(at, 4096)).map(({ flags }) => flags)).toHaveLength(8);
  });

  it('of a device with a long hole before many fragments is not too long either', async () => {
    const fixture = await serve({ device: 'ram:3G', types: [fragments(1, (2 * GIB) / 512)] });
    await fixture.engine.attachFilter(fixture.port.device.name, 'fragments');
    const client = await fixture.checked(dialect, ALLOCATION);
    const extents = await client.extents(0, 3 * GIB);
    expect(extents[0]).toEqual({ length: 2 * GIB, flags: HOLE });
    expect(extents.length).toBeLessThanOrEqual(MAX_EXTENTS);
  });
});

function sum(extents: readonly StatusExtent[]): number {
  return extents.reduce((total, { length }) => total + length, 0);
}

describe('a device of 100 TiB', () => {
  const SIZE = 100 * 1024 * GIB;

  it('with nothing in it is one hole', async () => {
    const client = await (await serve({ device: 'ram:100T' })).checked('extended', ALLOCATION);
    expect(await client.extents(0, SIZE)).toEqual([{ length: SIZE, flags: HOLE }]);
    expect(await client.extents(0, SIZE, CommandFlag.ReqOne)).toEqual([{ length: SIZE, flags: HOLE }]);
  });

  it('with data far in is told of in full', async () => {
    const client = await (await serve({ device: 'ram:100T' })).checked('extended', ALLOCATION);
    const at = 60 * 1024 * GIB;
    await client.put(at, pattern(512));
    expect(await client.extents(0, SIZE)).toEqual([
      { length: at, flags: HOLE },
      { length: CHUNK, flags: 0 },
      { length: SIZE - at - CHUNK, flags: HOLE },
    ]);
  });

  it('is told of to structured clients in ranges of 4 GiB', async () => {
    const client = await (await serve({ device: 'ram:100T' })).checked('structured', ALLOCATION);
    const length = 2 ** 32 - 1;
    expect(await client.extents(SIZE - length, length)).toEqual([{ length, flags: HOLE }]);
  });

  it('keeps nobody waiting who asks for something else', async () => {
    const fixture = await serve({ device: 'ram:100T' });
    const client = await fixture.checked('extended', ALLOCATION);
    const other = await fixture.client();
    let told = false;
    const status = client.extents(0, SIZE).then(() => (told = true));
    await other.readAt(0, 512);
    await other.readAt(0, 512);
    expect(told).toBe(false);
    await status;
  });

  it('is not asked about to the end when the client has gone', async () => {
    const fixture = await serve({ device: 'ram:100T' });
    const client = await fixture.checked('extended', ALLOCATION);
    for (let i = 0; i < 20; i++) client.send(client.frame({ command: NbdCommand.BlockStatus, length: SIZE }));
    client.close();
    // The server waits for what is under way.
    await fixture.server.close();
    expect(fixture.events.at(-1)).toMatchObject({ kind: 'closed' });
  });
});
