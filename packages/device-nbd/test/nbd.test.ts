import { VirtualClock } from '@interposer/conformance';
import { BioFlag, BioOp, createEngine, hasOp, Status } from '@interposer/core';
import {
  CommandFlag,
  encodeExportInfo,
  encodeGreeting,
  NbdCommand,
  NbdOption,
  OptionReply,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nbd } from '../src/index.ts';
import { ALL_FLAGS, type FakeOptions } from './fake-server.ts';
import { cleanUp, open, start, writeBio } from './opened.ts';

const { Write, Flush, Trim, WriteZeroes, Disconnect } = NbdCommand;
afterEach(cleanUp);

describe('opening', () => {
  it('limits are what the server tells', async () => {
    const { port } = await open({ blockSizes: { minimum: 4096, preferred: 65536, maximum: 2 ** 20 } });
    const { limits } = port.device;
    expect(limits).toMatchObject({
      sectors: 2048,
      logicalBlock: 4096,
      ioOpt: 65536,
      maxSectors: 2048,
      maxRangeSectors: 2 ** 23 - 8,
      fastZeroes: false,
      readOnly: false,
      volatileCache: true,
      rotational: false,
    });
    expect(limits.ops).toBe(0b11111);
    expect(port.device.number).toBe('43:0');
  });

  it('zeroing is not promised to be fast, for a bio cannot ask for it', async () => {
    const { HasFlags, SendWriteZeroes, SendFastZero } = TransmissionFlag;
    const { port } = await open({ flags: HasFlags | SendWriteZeroes | SendFastZero });
    expect(port.device.limits.fastZeroes).toBe(false);
  });

  it('only what the server offers can be done', async () => {
    const { port } = await open({ flags: TransmissionFlag.HasFlags | TransmissionFlag.Rotational });
    const { ops, rotational, volatileCache, discardGranularity } = port.device.limits;
    for (const op of [BioOp.Flush, BioOp.Discard, BioOp.WriteZeroes]) expect(hasOp(ops, op)).toBe(false);
    expect({ rotational, volatileCache, discardGranularity }).toEqual({
      rotational: true,
      volatileCache: false,
      discardGranularity: 0,
    });
    await expect(port.flush()).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('a read-only export cannot be opened for writing, and can for reading', async () => {
    const flags = ALL_FLAGS | TransmissionFlag.ReadOnly;
    await expect(open({ flags })).rejects.toMatchObject({ code: 'EROFS' });
    const { port } = await open({ flags }, 'read');
    expect(port.device.limits.readOnly).toBe(true);
  });

  it.each<[string, FakeOptions, number[]]>([
    ['GO is not known', { go: (answer) => answer(OptionReply.ErrUnsupported) }, [11, 8, 7, 1]],
    ['the server is not of the fixed newstyle', { greeting: encodeGreeting(0) }, [1]],
  ])('by EXPORT_NAME where %s', async (_, options, expected) => {
    const { server, port } = await open(options);
    expect(server.options).toEqual(expected);
    expect(port.device.limits.sectors).toBe(2048);
  });

  it.each([
    [OptionReply.ErrUnknown, 'ENOENT'],
    [OptionReply.ErrPolicy, 'EACCES'],
    [OptionReply.ErrTlsRequired, 'EACCES'],
    [OptionReply.ErrShutdown, 'ESHUTDOWN'],
    [OptionReply.ErrInvalid, 'EINVAL'],
    [0x8000ffff, 'EINVAL'],
  ])('refusal %i is told as %s, with the server’s words', async (type, code) => {
    const opened = open({ go: (answer) => answer(type, Buffer.from('because of this')) });
    await expect(opened).rejects.toMatchObject({ code, message: expect.stringContaining('because of this') });
  });

  it.each([
    [OptionReply.ErrPolicy, /its policy forbids that$/],
    [OptionReply.ErrTlsRequired, /it takes clients with TLS only \(/],
    [0x8000ffff, /error 0x8000ffff$/],
  ])('refusal %i without words is told in our own', async (type, message) => {
    const opened = open({ go: (answer) => answer(type, Buffer.alloc(0)) });
    await expect(opened).rejects.toMatchObject({ message: expect.stringMatching(message) as string });
  });

  it.each([
    ['something that is no NBD server', { greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\n') }, 'EIO'],
    [
      'an oldstyle server',
      { greeting: Buffer.from('4e42444d4147494300004202818612530000', 'hex') },
      'ENOTSUP',
    ],
    ['an export of 2^53 bytes and more', { go: hugeExport }, 'EINVAL'],
    ['an empty export', { size: 0 }, 'EINVAL'],
    [
      'a server that does not tell the size',
      { go: (a: (type: number) => void) => a(OptionReply.Ack) },
      'EIO',
    ],
    [
      'malformed information',
      {
        go: (a: (type: number, data?: Buffer) => void) => {
          a(OptionReply.Info, Buffer.alloc(5));
          a(OptionReply.Ack);
        },
      },
      'EIO',
    ],
    [
      'a reply of a megabyte',
      { go: (a: (type: number, data: Buffer) => void) => a(OptionReply.Info, Buffer.alloc(2 ** 20)) },
      'EIO',
    ],
  ] as [string, FakeOptions, string][])('%s', async (_, options, code) => {
    await expect(open(options)).rejects.toMatchObject({ code });
  });

  function hugeExport(answer: (type: number, data?: Buffer) => void): void {
    const info = encodeExportInfo({ type: 'export', size: 0, flags: ALL_FLAGS });
    info.fill(0x7f, 2, 10);
    answer(OptionReply.Info, info);
    answer(OptionReply.Ack);
  }

  it.each([
    ['nbd+unix:///x?socket=/no/such/socket', 'ENOENT'],
    ['nbd://127.0.0.1:1/', 'EIO'],
    ['nbd+unix:///x', 'EINVAL'],
    ['nbd://h:99999/', 'EINVAL'],
    ['nbd:h', 'EINVAL'],
  ])('%s: %s', async (uri, code) => {
    const engine = createEngine({ types: [nbd] });
    await expect(engine.open(uri)).rejects.toMatchObject({ code });
  });

  it('a server that says nothing is given up after thirty seconds', async () => {
    const server = await start({ greeting: Buffer.alloc(0) });
    const clock = new VirtualClock();
    const engine = createEngine({ types: [nbd], clock });
    const opened = engine.open(server.uri).then(
      () => 'opened',
      (error: unknown) => (error as { code: string }).code,
    );
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(30_000);
    expect(await opened).toBe('ETIMEDOUT');
  });

  it('the same place named twice is one device and one connection', async () => {
    const { server, engine, port } = await open();
    const again = await engine.open(server.uri.replace('nbd+unix:///x', 'nbd+unix:///%78'), {
      claim: 'noexcl',
    });
    expect(again.device).toBe(port.device);
    again.close();
    expect(server.options.filter((option) => option === NbdOption.Go)).toHaveLength(1);
  });

  it('keys that mean nothing are told', async () => {
    const server = await start();
    const engine = createEngine({ types: [nbd] });
    const log: string[] = [];
    engine.onEvent((event) => log.push(event.message));
    (await engine.open(`${server.uri}&colour=red`)).close();
    expect(log.join()).toMatch(/"colour" has no meaning/);
  });
});

describe('requests', () => {
  it('are sent as asked', async () => {
    const { server, port } = await open();
    const data = Buffer.alloc(1024, 5);
    const all = Promise.all([
      port.write(2, data),
      port.flush(),
      port.discard(8, 8),
      port.writeZeroes(16, 8),
      port.writeZeroes(24, 8, BioFlag.NoUnmap),
      writeBio(port, BioFlag.Fua),
    ]);
    const arrived = await server.take(6);
    expect(arrived.map(({ command, flags, offset, length }) => [command, flags, offset, length])).toEqual([
      [Write, 0, 1024, 1024],
      [Flush, 0, 0, 0],
      [Trim, 0, 4096, 4096],
      [WriteZeroes, 0, 8192, 4096],
      [WriteZeroes, CommandFlag.NoHole, 12288, 4096],
      [Write, CommandFlag.Fua, 0, 512],
    ]);
    expect(arrived[0]!.data.equals(data)).toBe(true);
    for (const request of arrived.reverse()) server.reply(request);
    expect((await all).at(-1)).toBe(Status.Ok);
  });

  it('replies are taken in any order, in any pieces, of any size', async () => {
    const { server, port } = await open({ size: 2 ** 24 });
    const sizes = [8, 1, 2048, 64, 300, 128];
    const reads = sizes.map((count, i) => port.read(i * 2048, count));
    const arrived = await server.take(sizes.length);
    for (const request of [...arrived].reverse()) {
      server.reply(request, 0, Buffer.alloc(request.length, request.offset / 2 ** 20 + 1));
    }
    for (const [i, read] of reads.entries()) {
      expect(Buffer.from(await read).equals(Buffer.alloc(sizes[i]! * 512, i + 1))).toBe(true);
    }
    const read = port.read(0, 1);
    const [request] = await server.take(1);
    const header = Buffer.concat([Buffer.from('6744669800000000', 'hex'), request!.frame.subarray(8, 16)]);
    for (const byte of Buffer.concat([header, Buffer.alloc(512, 9)])) {
      server.send(Buffer.from([byte]));
      if (byte === 0x98) await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await read).every((byte) => byte === 9)).toBe(true);
  });

  it('large and small writes keep their order and their data', async () => {
    const { server, port } = await open();
    const sizes = [1, 128, 1, 2, 256, 64, 65, 1];
    const datas = sizes.map((count, i) => Buffer.alloc(count * 512, i + 1));
    const writes = datas.map((data, i) => port.write(i * 256, data));
    const arrived = await server.take(sizes.length);
    expect(arrived.map(({ data }, i) => data.equals(datas[i]!))).toEqual(sizes.map(() => true));
    for (const request of arrived) server.reply(request);
    await Promise.all(writes);
  });

  it('what is larger than the server takes is split', async () => {
    const { server, port } = await open({ blockSizes: { minimum: 1, preferred: 4096, maximum: 8192 } });
    const write = port.write(0, Buffer.alloc(20480, 3));
    const arrived = await server.take(3);
    expect(arrived.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 8192],
      [8192, 8192],
      [16384, 4096],
    ]);
    for (const request of arrived) server.reply(request);
    await write;
  });

  it.each([
    [1, 'EPERM'],
    [5, 'EIO'],
    [12, 'ENOMEM'],
    [22, 'EINVAL'],
    [28, 'ENOSPC'],
    [95, 'ENOTSUP'],
    [108, 'ESHUTDOWN'],
    [4711, 'EIO'],
  ])('error %i is told as %s, and the next reply is taken', async (error, code) => {
    const { server, port } = await open();
    const [failed, good] = [port.read(0, 8), port.read(8, 1)];
    const [first, second] = await server.take(2);
    server.reply(first!, error);
    server.reply(second!, 0, Buffer.alloc(512, 1));
    await expect(failed).rejects.toMatchObject({ code });
    expect((await good)[0]).toBe(1);
  });

  it('FUA of a server without it is a flush behind the write', async () => {
    const { server, port } = await open({ flags: ALL_FLAGS & ~TransmissionFlag.SendFua });
    let status = -1;
    const done = writeBio(port, BioFlag.Fua).then((result) => (status = result));
    const [write] = await server.take(1);
    expect(write).toMatchObject({ command: Write, flags: 0 });
    server.reply(write!);
    const [flush] = await server.take(1);
    expect(flush!.command).toBe(Flush);
    expect(status).toBe(-1);
    server.reply(flush!, 5);
    expect(await done).toBe(Status.Io);
  });

  it.each([
    [BioOp.Write, Write],
    [BioOp.WriteZeroes, WriteZeroes],
    [BioOp.Discard, Trim],
  ])('FUA of operation %i too, without it', async (op, command) => {
    const { server, port } = await open({ flags: ALL_FLAGS & ~TransmissionFlag.SendFua });
    const done = writeBio(port, BioFlag.Fua, 0, Buffer.alloc(512), op);
    const [change] = await server.take(1);
    expect(change).toMatchObject({ command, flags: 0 });
    server.reply(change!);
    const [flush] = await server.take(1);
    expect(flush!.command).toBe(Flush);
    server.reply(flush!);
    expect(await done).toBe(Status.Ok);
  });

  it('FUA of a server that cannot flush is refused', async () => {
    const { port } = await open({ flags: TransmissionFlag.HasFlags });
    expect(await writeBio(port, BioFlag.Fua)).toBe(Status.NotSup);
  });
});

describe('the end', () => {
  it('closing says goodbye', async () => {
    const { server, engine, port } = await open();
    port.close();
    const [last] = await server.take(1);
    expect(last!.command).toBe(Disconnect);
    await server.gone();
    await engine.close();
  });

  it('a lost connection fails what is pending and what comes', async () => {
    const { server, engine, port, log } = await open();
    const pending = [port.read(0, 8), port.write(0, Buffer.alloc(512)), port.flush()];
    const [read] = await server.take(3);
    const header = Buffer.concat([Buffer.from('6744669800000000', 'hex'), read!.frame.subarray(8, 16)]);
    server.send(Buffer.concat([header, Buffer.alloc(1000, 0xee)]));
    server.cut();
    for (const one of pending) await expect(one).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.read(0, 1)).rejects.toMatchObject({ code: 'ENODEV' });
    expect(log.join()).toMatch(/the NBD connection broke: /);
    // The device is taken down: another one of that name may come.
    await engine.rules();
    await vi.waitFor(() => expect(engine.devices()).toHaveLength(0));
  });

  it.each([
    ['a wrong magic number', (frame: Buffer) => Buffer.concat([Buffer.alloc(8), frame.subarray(8, 16)])],
    ['an unknown cookie', () => Buffer.from('67446698000000000000000900000009', 'hex')],
    ['a cookie beyond all', () => Buffer.from('6744669800000000ffffffffffffffff', 'hex')],
    [
      'a second answer to one request',
      (frame: Buffer) => {
        const header = Buffer.concat([Buffer.from('6744669800000005', 'hex'), frame.subarray(8, 16)]);
        return Buffer.concat([header, header]);
      },
    ],
  ])('%s: the server is not believed any more', async (_, bytes) => {
    const { server, port, log } = await open();
    const reads = [port.read(0, 1), port.read(1, 1)];
    const [request] = await server.take(2);
    server.send(bytes(request!.frame));
    for (const read of reads) await expect(read).rejects.toMatchObject({ code: 'EIO' });
    expect(log.join()).toMatch(/no reply to any request/);
    await server.gone();
  });

  it('a late second answer is not taken for that of the next request in its place', async () => {
    const { server, port } = await open();
    const first = port.flush();
    const [flush] = await server.take(1);
    server.reply(flush!);
    await first;
    const second = port.flush();
    await server.take(1);
    server.reply(flush!);
    await expect(second).rejects.toMatchObject({ code: 'EIO' });
  });

  it('garbage of a server is survived', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { server, port } = await open();
      const reads = Array.from({ length: 4 }, (_, i) => port.read(i, 1));
      const arrived = await server.take(4);
      server.reply(arrived[seed % 4]!, 0, Buffer.alloc(512, 1));
      server.send(Buffer.from(Array.from({ length: 600 }, (_, i) => (i * seed * 37 + (i >> 3)) & 0xff)));
      const results = await Promise.allSettled(reads);
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    }
  });
});

it('nothing of a read is left in the buffer when it fails', async () => {
  const { server, port } = await open();
  const into = Buffer.alloc(4096, 0x77);
  const read = port.read(0, 8, into);
  const [request] = await server.take(1);
  server.reply(request!, 0, Buffer.alloc(2000, 0x55));
  await new Promise((resolve) => setImmediate(resolve));
  server.cut();
  await expect(read).rejects.toMatchObject({ code: 'EIO' });
  expect(into.every((byte) => byte === 0)).toBe(true);
});
