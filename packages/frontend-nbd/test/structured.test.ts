import { Random } from '@interposer/conformance';
import { BioOp, Status } from '@interposer/core';
import { ChunkType, CommandFlag, NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import type { ChunkClient } from './chunk-client.ts';
import { pattern, serve, until } from './fixture.ts';

const { Read, Write, Flush, Trim, Cache, WriteZeroes, BlockStatus } = NbdCommand;
const { Error: ErrorChunk, ErrorOffset, None, OffsetData, OffsetHole } = ChunkType;
const KIB = 1024;
const SIZE = 2048 * 512;

// What both chunked dialects have in common.
describe.each(['structured', 'extended'] as const)('%s replies', (dialect) => {
  it('data come as written, in any size and at any place', async () => {
    const client = await (await serve({ device: 'ram:4M' })).checked(dialect);
    const sizes = [1, 7, 511, 512, 513, 4096, 32768, 32769, 65536, 65537, 300_001, 2 ** 20, 3 * 2 ** 20];
    for (const [index, length] of sizes.entries()) {
      for (const offset of [0, 512, 4095, 65536 - 3]) {
        const data = pattern(length, index + offset);
        expect((await client.put(offset, data)).error).toBe(0);
        expect((await client.get(offset, length)).data.equals(data)).toBe(true);
      }
    }
  });

  it('many requests at a time get each their own answer', async () => {
    const fixture = await serve({ disk: { delay: 3, seed: 3 } });
    const client = await fixture.checked(dialect);
    const model = pattern(SIZE / 2);
    await client.put(0, model);
    const random = new Random(11);
    const reads = Array.from({ length: 300 }, () => {
      const offset = random.below(SIZE - 70_000);
      const length = 1 + random.below(70_000);
      return client.get(offset, length).then(({ data }) => ({ offset, length, data }));
    });
    const whole = Buffer.concat([model, Buffer.alloc(SIZE - model.length)]);
    for (const { offset, length, data } of await Promise.all(reads)) {
      expect(data.equals(whole.subarray(offset, offset + length))).toBe(true);
    }
  });

  it('a read of nothing succeeds with no data', async () => {
    const client = await (await serve()).checked(dialect);
    for (const offset of [0, 512, 77, SIZE]) {
      expect(await client.get(offset, 0)).toMatchObject({ error: 0, chunks: [None] });
    }
    for (const command of [Trim, Cache, WriteZeroes, Flush]) {
      expect((await client.ask({ command })).error).toBe(0);
    }
    expect((await client.put(0, Buffer.alloc(0))).error).toBe(0);
    expect((await client.get(SIZE + 1, 0)).error).toBe(NbdError.Inval);
  });

  it('commands without data succeed', async () => {
    const fixture = await serve();
    const client = await fixture.checked(dialect);
    await client.put(0, pattern(8192));
    for (const command of [Trim, Cache, WriteZeroes]) {
      expect((await client.ask({ command, offset: 0, length: 4096 })).error).toBe(0);
    }
    expect((await client.ask({ command: Flush })).error).toBe(0);
    expect(
      (await client.get(0, 8192)).data.equals(
        Buffer.concat([Buffer.alloc(4096), pattern(8192).subarray(4096)]),
      ),
    ).toBe(true);
  });

  describe('holes', () => {
    const MIXED = Buffer.concat([
      pattern(64 * KIB),
      Buffer.alloc(128 * KIB),
      pattern(64 * KIB, 2),
      Buffer.alloc(64 * KIB),
    ]);

    async function mixed(): Promise<ChunkClient> {
      const client = await (await serve({ device: 'ram:4M' })).checked(dialect);
      await client.put(0, MIXED);
      return client;
    }

    it.each([512, 513, 4096, 32768, 32768 + 512, 64 * KIB, 64 * KIB + 1, 300_001, 2 ** 20])(
      'a read of %i zeroes is one hole',
      async (length) => {
        const client = await (await serve({ device: 'ram:4M' })).checked(dialect);
        for (const offset of [0, 512, 77]) {
          const before = client.received;
          const { data, parts } = await client.get(offset, length);
          expect(parts).toEqual([{ hole: true, start: offset, bytes: length }]);
          expect(data.equals(Buffer.alloc(length))).toBe(true);
          expect(client.received - before).toBeLessThan(64);
          expect((await client.get(offset, length, CommandFlag.Df)).parts.length).toBe(1);
        }
      },
    );

    it('reads below a sector are sent as they are', async () => {
      const client = await (await serve()).checked(dialect);
      for (const length of [1, 100, 511]) expect((await client.get(3, length)).chunks).toEqual([OffsetData]);
    });

    it('between data are left out', async () => {
      const client = await mixed();
      const { data, parts } = await client.get(0, MIXED.length);
      expect(data.equals(MIXED)).toBe(true);
      expect(parts).toEqual([
        { hole: false, start: 0, bytes: 64 * KIB },
        { hole: true, start: 64 * KIB, bytes: 128 * KIB },
        { hole: false, start: 192 * KIB, bytes: 64 * KIB },
        { hole: true, start: 256 * KIB, bytes: 64 * KIB },
      ]);
    });

    it('mixed with data are sent as data to who wants no fragments', async () => {
      const client = await mixed();
      const { data, chunks } = await client.get(0, MIXED.length, CommandFlag.Df);
      expect(chunks).toEqual([OffsetData]);
      expect(data.equals(MIXED)).toBe(true);
      expect((await client.get(64 * KIB, 128 * KIB, CommandFlag.Df)).chunks).toEqual([OffsetHole]);
    });

    it('of any place and size read as zeroes, and data as data', async () => {
      const client = await mixed();
      const whole = Buffer.concat([MIXED, Buffer.alloc(2 ** 20)]);
      const random = new Random(5);
      const reads = Array.from({ length: 200 }, (_, index) => {
        const offset = random.below(MIXED.length);
        const length = random.below(400_000);
        const flags = index % 3 === 0 ? CommandFlag.Df : 0;
        return client.get(offset, length, flags).then(({ data }) => ({ offset, length, data }));
      });
      for (const { offset, length, data } of await Promise.all(reads)) {
        expect(data.equals(whole.subarray(offset, offset + length))).toBe(true);
      }
    });

    it('a sector of data at either end or in the middle is seen', async () => {
      const client = await (await serve({ device: 'ram:4M' })).checked(dialect);
      for (const length of [4096, 40 * KIB, 200 * KIB]) {
        for (const at of [0, Math.floor(length / 2), length - 1]) {
          await client.ask({ command: WriteZeroes, offset: 0, length: 2 ** 20 });
          await client.put(at, Buffer.from([1]));
          const expected = Buffer.alloc(length);
          expected[at] = 1;
          expect((await client.get(0, length)).data.equals(expected)).toBe(true);
        }
      }
    });
  });

  describe('errors', () => {
    it.each([
      ['READ past the end', Read, SIZE - 512, 1024, 0, NbdError.Inval, /beyond the end/],
      ['TRIM past the end', Trim, SIZE - 512, 1024, 0, NbdError.Inval, /beyond the end/],
      ['CACHE past the end', Cache, SIZE, 512, 0, NbdError.Inval, /beyond the end/],
      ['WRITE_ZEROES past the end', WriteZeroes, SIZE - 512, 1024, 0, NbdError.NoSpc, /beyond the end/],
      ['READ of more than 32 MiB', Read, 0, SIZE + 1, 0, NbdError.Inval, /beyond the end/],
      ['NO_HOLE on READ', Read, 0, 512, CommandFlag.NoHole, NbdError.Inval, /NoHole/],
      ['FAST_ZERO on TRIM', Trim, 0, 512, CommandFlag.FastZero, NbdError.Inval, /FastZero/],
      ['DF on CACHE', Cache, 0, 512, CommandFlag.Df, NbdError.Inval, /Df/],
      ['an unknown flag', Flush, 0, 0, 0x8000, NbdError.Inval, /0x8000/],
      ['an unknown command', 4711, 0, 512, 0, NbdError.Inval, /4711/],
      ['BLOCK_STATUS without contexts', BlockStatus, 0, 512, 0, NbdError.Inval, /block status/],
    ] as const)('%s', async (_, command, offset, length, flags, error, text) => {
      const fixture = await serve();
      const client = await fixture.checked(dialect);
      const answer = await client.ask({ command, offset, length, flags });
      expect(answer.error).toBe(error);
      if (answer.chunks.length > 0) expect(answer.message).toMatch(text);
      expect(fixture.disk!.requests).toBe(0);
      expect((await client.get(0, 512)).error).toBe(0);
    });

    it('of a read past the end say where that is', async () => {
      const client = await (await serve()).checked(dialect);
      const { chunks, errorOffset } = await client.get(SIZE - 512, 1024);
      expect(chunks).toEqual([ErrorOffset]);
      expect(errorOffset).toBe(SIZE);
      expect((await client.get(SIZE + 512, 1024)).chunks).toEqual([ErrorChunk]);
    });

    it('offsets near 2^64 are refused', async () => {
      const client = await (await serve()).checked(dialect);
      for (const command of [Read, Trim, Cache, WriteZeroes]) {
        for (const offset of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 512n]) {
          const { error } = await client.ask({ command, offset, length: 4096 });
          expect(error).toBe(command === WriteZeroes ? NbdError.NoSpc : NbdError.Inval);
        }
      }
    });

    it('WRITE past the end, after its data', async () => {
      const client = await (await serve()).checked(dialect);
      expect((await client.put(SIZE - 512, pattern(1024))).error).toBe(NbdError.NoSpc);
      expect((await client.put(0, pattern(512), CommandFlag.Df)).error).toBe(NbdError.Inval);
      expect((await client.get(0, 512)).error).toBe(0);
    });

    it('of the device come with its name for them, and the next reply is in its place', async () => {
      const fixture = await serve();
      const client = await fixture.checked(dialect);
      await client.put(0, pattern(200 * KIB));
      for (const length of [512, 40 * KIB, 128 * KIB, 100, 70_001]) {
        fixture.disk!.fail(Status.Io, { op: BioOp.Read, times: 1 });
        const failed = client.get(0, length);
        const good = client.get(0, length);
        expect(await failed).toMatchObject({ error: NbdError.Io, chunks: [ErrorChunk] });
        expect((await failed).message).toMatch(/^read of .* failed: .*EIO/);
        expect((await good).data.equals(pattern(200 * KIB).subarray(0, length))).toBe(true);
      }
      fixture.disk!.fail(Status.NoSpc, { op: BioOp.Write, times: 1 });
      expect((await client.put(0, pattern(512))).error).toBe(NbdError.NoSpc);
    });

    it('on a read-only export are EPERM for all that writes', async () => {
      const client = await (await serve({ exported: { readOnly: true } })).checked(dialect);
      for (const command of [Trim, WriteZeroes]) {
        expect((await client.ask({ command, length: 512 })).error).toBe(NbdError.Perm);
      }
      expect((await client.put(0, pattern(512))).error).toBe(NbdError.Perm);
      expect((await client.put(3, pattern(5))).error).toBe(NbdError.Perm);
      expect((await client.ask({ command: Cache, length: 4096 })).error).toBe(0);
      expect((await client.get(0, 512)).error).toBe(0);
    });
  });

  it('what comes while the server shuts down is refused', async () => {
    const fixture = await serve();
    const client = await fixture.checked(dialect, ['base:allocation']);
    fixture.disk!.hold();
    const read = client.get(0, 512);
    await until(() => fixture.disk!.held.length === 1);
    const closed = fixture.server.close();
    const late = [client.get(0, 512), client.put(0, pattern(512)), client.status(0, 4096)];
    for (const answer of await Promise.all(late)) expect(answer.error).toBe(NbdError.Shutdown);
    fixture.disk!.release();
    expect((await read).error).toBe(0);
    await closed;
  });

  it('the header of another dialect ends the connection', async () => {
    const fixture = await serve();
    const client = await fixture.checked(dialect);
    const frame = client.frame({ command: Flush });
    frame.writeUInt32BE(dialect === 'extended' ? 0x25609513 : 0x21e41c71, 0);
    client.send(Buffer.concat([frame, Buffer.alloc(64)]));
    await client.closed;
    expect(fixture.events.map(({ kind }) => kind)).toContain('violation');
  });

  it('what comes byte by byte is put together', async () => {
    const client = await (await serve()).checked(dialect);
    const flags = dialect === 'extended' ? CommandFlag.PayloadLength : 0;
    const data = pattern(1000);
    const frame = client.frame({ command: Write, offset: 512, length: data.length, flags, data }, 999);
    for (const byte of frame) client.send(Buffer.from([byte]));
    // The answer to the one below comes behind it or not; the data are there in any case once both have.
    await client.read(dialect === 'extended' ? 32 : 16);
    expect((await client.get(512, 1000)).data.equals(data)).toBe(true);
  });
});
