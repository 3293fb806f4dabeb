import { BioFlag, BioOp, Status } from '@interposer/core';
import { CommandFlag, NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { pattern, serve, until } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const SIZE = 2048 * 512;
const { Read, Write, Flush, Trim, WriteZeroes } = NbdCommand;

describe('commands', () => {
  it('what was written is read, in any size', async () => {
    const client = await (await serve({ device: 'ram:4M' })).client();
    for (const length of [512, 4096, 65536, 300 * 1024, 2 ** 20, 3 * 2 ** 20]) {
      const data = pattern(length, length);
      expect(await client.write(512, data)).toMatchObject({ error: 0 });
      expect((await client.readAt(512, length)).equals(data)).toBe(true);
    }
  });

  it('data that come in small pieces are put together', async () => {
    const client = await (await serve()).client();
    const data = pattern(200_192);
    const frame = Buffer.concat([RawClient.frame(Write, 1024, data.length), data]);
    for (let at = 0; at < frame.length; at += 7001) client.send(frame.subarray(at, at + 7001));
    expect((await client.read(16)).readUInt32BE(4)).toBe(0);
    expect((await client.readAt(1024, data.length)).equals(data)).toBe(true);
  });

  it('headers that come byte by byte are put together', async () => {
    const client = await (await serve()).client();
    for (const byte of RawClient.frame(Flush, 0, 0)) client.send(Buffer.from([byte]));
    expect((await client.read(16)).readUInt32BE(4)).toBe(0);
  });

  it('trim and zeroes change the range only', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    await client.write(0, pattern(16384));
    expect((await client.request(WriteZeroes, 4096, 4096)).error).toBe(0);
    expect((await client.request(WriteZeroes, 8192, 512, CommandFlag.NoHole)).error).toBe(0);
    const expected = pattern(16384).fill(0, 4096, 8704);
    expect((await client.readAt(0, 16384)).equals(expected)).toBe(true);
    expect((await client.request(Trim, 12288, 4096)).error).toBe(0);
    expect((await client.readAt(0, 12288)).equals(expected.subarray(0, 12288))).toBe(true);
    expect(fixture.disk!.arrived[BioOp.WriteZeroes]).toBe(2);
    expect(fixture.disk!.arrived[BioOp.Discard]).toBe(1);
  });

  it('NO_HOLE and FUA reach the device', async () => {
    const fixture = await serve({ disk: { volatile: true } });
    const { disk } = fixture;
    const client = await fixture.client();
    disk!.hold();
    const replies = [
      client.write(0, pattern(512), CommandFlag.Fua),
      client.request(WriteZeroes, 512, 512, CommandFlag.NoHole),
    ];
    await until(() => disk!.held.length === 2);
    expect(disk!.held.map(({ flags }) => flags)).toEqual([BioFlag.Fua, BioFlag.NoUnmap]);
    disk!.release();
    expect(await Promise.all(replies)).toMatchObject([{ error: 0 }, { error: 0 }]);
  });

  it('FUA after trim and zeroes is a flush, and without meaning elsewhere', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    const flushes = (): number => fixture.disk!.arrived[BioOp.Flush]!;
    expect((await client.request(Trim, 0, 4096, CommandFlag.Fua)).error).toBe(0);
    expect(flushes()).toBe(1);
    expect((await client.request(WriteZeroes, 0, 4096, CommandFlag.Fua | CommandFlag.NoHole)).error).toBe(0);
    expect(flushes()).toBe(2);
    expect((await client.request(Read, 0, 512, CommandFlag.Fua)).error).toBe(0);
    expect(flushes()).toBe(2);
    expect((await client.request(Flush, 0, 0, CommandFlag.Fua)).error).toBe(0);
    expect(flushes()).toBe(3);
  });

  it('replies come in the order in which the device answers', async () => {
    const fixture = await serve();
    const { disk } = fixture;
    const client = await fixture.client();
    await client.write(0, pattern(64 * 512));
    disk!.hold();
    const reads = Array.from({ length: 64 }, (_, i) => client.readAt(i * 512, 512));
    await until(() => disk!.held.length === 64);
    disk!.release('newest');
    const data = await Promise.all(reads);
    expect(Buffer.concat(data).equals(pattern(64 * 512))).toBe(true);
  });

  it('length zero succeeds without effect', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    for (const command of [Read, Write, Trim, WriteZeroes]) {
      expect(await client.request(command, 512, 0)).toMatchObject({ error: 0 });
      expect(await client.request(command, SIZE, 0)).toMatchObject({ error: 0 });
    }
    expect(fixture.disk!.requests).toBe(0);
  });

  it('DISC is answered by the end, after what is under way', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    fixture.disk!.hold();
    const read = client.request(Read, 0, 512);
    await until(() => fixture.disk!.held.length === 1);
    client.send(RawClient.frame(NbdCommand.Disconnect, 0, 0));
    client.send(RawClient.frame(Read, 0, 512));
    fixture.disk!.release();
    expect((await read).error).toBe(0);
    await client.closed;
    expect(fixture.disk!.requests).toBe(1);
  });
});

describe('refusals', () => {
  const { NoSpc, Inval, Perm } = NbdError;
  const beyond = 2 ** 53 - 512;

  it.each([
    ['READ past the end', Read, SIZE - 512, 1024, 0, Inval],
    ['READ behind the end', Read, SIZE, 512, 0, Inval],
    ['READ near 2^53', Read, beyond, 512, 0, Inval],
    ['READ longer than the device', Read, 0, SIZE + 512, 0, Inval],
    ['TRIM past the end', Trim, SIZE - 512, 1024, 0, Inval],
    ['TRIM of all there is and more', Trim, 512, 0xffffffff, 0, Inval],
    ['WRITE_ZEROES past the end', WriteZeroes, SIZE - 512, 1024, 0, NoSpc],
    ['FAST_ZERO on TRIM', Trim, 0, 512, CommandFlag.FastZero, Inval],
    ['DF without structured replies', Read, 0, 512, CommandFlag.Df, Inval],
    ['NO_HOLE on READ', Read, 0, 512, CommandFlag.NoHole, Inval],
    ['NO_HOLE on TRIM', Trim, 0, 512, CommandFlag.NoHole, Inval],
    ['PAYLOAD_LEN', Read, 0, 512, CommandFlag.PayloadLength, Inval],
    ['an unknown flag', Flush, 0, 0, 0x8000, Inval],
    ['CACHE past the end', NbdCommand.Cache, SIZE - 512, 1024, 0, Inval],
    ['BLOCK_STATUS without contexts', NbdCommand.BlockStatus, 0, 512, 0, Inval],
    ['RESIZE', NbdCommand.Resize, 0, 512, 0, Inval],
    ['an unknown command', 4711, 0, 512, 0, Inval],
  ] as const)('%s', async (_, command, offset, length, flags, error) => {
    const fixture = await serve();
    const client = await fixture.client();
    expect((await client.request(command, offset, length, flags)).error).toBe(error);
    expect(fixture.disk!.requests).toBe(0);
    expect((await client.readAt(0, 512)).length).toBe(512);
  });

  it('WRITE past the end: ENOSPC, after its data', async () => {
    const client = await (await serve()).client();
    expect((await client.write(SIZE - 512, pattern(1024))).error).toBe(NoSpc);
    expect((await client.write(SIZE, pattern(512))).error).toBe(NoSpc);
    expect((await client.write(0, pattern(512), CommandFlag.NoHole)).error).toBe(Inval);
    expect((await client.readAt(0, 512)).every((byte) => byte === 0)).toBe(true);
  });

  it('offsets near 2^64 do not overflow', async () => {
    const client = await (await serve()).client();
    for (const command of [Read, Trim, WriteZeroes]) {
      const frame = RawClient.frame(command, 0, 4096);
      frame.fill(0xff, 16, 24);
      client.send(frame);
      expect((await client.read(16)).readUInt32BE(4)).toBe(command === WriteZeroes ? NoSpc : Inval);
    }
  });

  it('READ and WRITE of more than 32 MiB: EINVAL; the data of a write are skipped up to 64 MiB', async () => {
    const client = await (await serve({ device: 'ram:128M' })).client();
    const tooMuch = 32 * 2 ** 20 + 512;
    expect((await client.request(Read, 0, tooMuch)).error).toBe(Inval);
    expect((await client.write(0, Buffer.alloc(tooMuch))).error).toBe(Inval);
    expect((await client.readAt(0, 512)).length).toBe(512);
    client.send(RawClient.frame(Write, 0, 64 * 2 ** 20 + 1));
    await client.closed;
  });

  it('trim and zeroes may be longer than what data may be', async () => {
    const client = await (await serve({ device: 'ram:128M' })).client();
    expect((await client.request(Trim, 0, 128 * 2 ** 20)).error).toBe(0);
    expect((await client.request(WriteZeroes, 0, 128 * 2 ** 20)).error).toBe(0);
  });

  it('everything that writes to a read-only export: EPERM', async () => {
    const fixture = await serve({ exported: { readOnly: true } });
    const client = await fixture.client();
    expect((await client.write(0, pattern(512))).error).toBe(Perm);
    expect((await client.write(3, pattern(5))).error).toBe(Perm);
    expect((await client.request(Trim, 0, 512)).error).toBe(Perm);
    expect((await client.request(WriteZeroes, 0, 512)).error).toBe(Perm);
    expect((await client.request(Flush, 0, 0)).error).toBe(0);
    expect((await client.readAt(0, 512)).length).toBe(512);
  });

  it('what the device cannot do: EINVAL', async () => {
    const client = await (await serve({ disk: { limits: { ops: 0b00011 } } })).client();
    expect((await client.request(Flush, 0, 0)).error).toBe(Inval);
    expect((await client.request(Trim, 0, 512)).error).toBe(Inval);
    expect((await client.request(WriteZeroes, 0, 512)).error).toBe(Inval);
    expect((await client.write(0, pattern(512), CommandFlag.Fua)).error).toBe(Inval);
  });

  it('a request without its magic number ends the connection', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    client.send(Buffer.alloc(28, 0x55));
    await client.closed;
    expect(fixture.events.map(({ kind }) => kind)).toContain('violation');
  });
});

describe('errors of the device', () => {
  it.each([
    [Status.Io, NbdError.Io],
    [Status.NoSpc, NbdError.NoSpc],
    [Status.NoMem, NbdError.NoMem],
    [Status.Perm, NbdError.Perm],
    [Status.NoData, NbdError.Io],
    [Status.Ilseq, NbdError.Io],
    [Status.NotSup, NbdError.Inval],
    [Status.TimedOut, NbdError.Io],
  ])('status %i is told as %i', async (status, error) => {
    const fixture = await serve();
    const client = await fixture.client();
    fixture.disk!.fail(status, { op: BioOp.Write });
    expect((await client.write(0, pattern(4096))).error).toBe(error);
    expect((await client.write(1, pattern(5))).error).toBe(error);
  });

  it('a failed read has no data, and the next reply is in its place', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    await client.write(0, pattern(200 * 1024));
    for (const length of [512, 64 * 1024, 100]) {
      fixture.disk!.fail(Status.Io, { op: BioOp.Read, times: 1 });
      expect((await client.request(Read, 0, length)).error).toBe(NbdError.Io);
      expect((await client.readAt(0, length)).equals(pattern(200 * 1024).subarray(0, length))).toBe(true);
    }
  });

  it('a failing flush after FUA zeroes fails the request', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    fixture.disk!.fail(Status.Io, { op: BioOp.Flush, times: 1 });
    expect((await client.request(WriteZeroes, 0, 512, CommandFlag.Fua)).error).toBe(NbdError.Io);
  });
});
