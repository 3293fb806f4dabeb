import { BioFlag } from '@interposer/core';
import { NbdCommand, NbdError, NbdOption, OptionReply, TransmissionFlag } from '@interposer/nbd-protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ALL_FLAGS, type Arrived, type FakeOptions } from './fake-server.ts';
import { cleanUp, open, type Opened, passTime, writeBio } from './opened.ts';

afterEach(cleanUp);

const { Read, Write, Flush, WriteZeroes, Trim } = NbdCommand;

const opened = (options: FakeOptions = {}, query = '&reconnect=10'): Promise<Opened> =>
  open(options, 'write', query);

/** What a request asks for, in short. */
const brief = ({ command, offset }: Arrived): [number, number] => [command, offset / 512];

/** Cuts the connections and waits for the next one. */
async function cutAndWait({ server, clock }: Opened): Promise<void> {
  const count = (): number => server.options.filter((option) => option === NbdOption.Go).length;
  const before = count();
  server.cut();
  await passTime(clock, () => count() > before);
}

/** A write that was answered. */
async function written({ server, port }: Opened, sector: number, count = 1, byte = 1): Promise<void> {
  const write = port.write(sector, Buffer.alloc(count * 512, byte));
  for (const request of await server.take(Math.ceil((count * 512) / 2 ** 25))) server.reply(request);
  await write;
}

async function flushed({ server, port }: Opened): Promise<void> {
  const flush = port.flush();
  server.reply((await server.take(1))[0]!);
  await flush;
}

describe('a broken connection', () => {
  it('comes back, and what was not answered is sent again in its order', async () => {
    const it = await opened();
    const { server, port, log } = it;
    const all = [
      port.read(0, 2),
      port.write(4, Buffer.alloc(512, 3)),
      port.discard(8, 8),
      port.flush(),
      port.writeZeroes(16, 8),
      writeBio(port, BioFlag.Fua, 30),
    ];
    const [read] = await server.take(6);
    server.send(Buffer.concat([Buffer.from('6744669800000000', 'hex'), read!.frame.subarray(8, 16)]));
    server.send(Buffer.alloc(700, 0xee));
    await cutAndWait(it);
    all.push(port.read(100, 1));
    const again = await server.take(7);
    expect(again.map(brief)).toEqual([
      [Read, 0],
      [Write, 4],
      [Trim, 8],
      [Flush, 0],
      [WriteZeroes, 16],
      [Write, 30],
      [Read, 100],
    ]);
    expect(again[1]!.data.equals(Buffer.alloc(512, 3))).toBe(true);
    for (const request of again) {
      server.reply(request, 0, request.command === Read ? Buffer.alloc(request.length, 5) : undefined);
    }
    const [data] = (await Promise.all(all)) as [Uint8Array];
    expect(data.every((byte) => byte === 5)).toBe(true);
    expect(log.join()).toMatch(/the connection broke.*connected again; /);
  });

  it('without reconnect= the device is gone at once', async () => {
    const { server, port, log } = await opened({}, '');
    const read = port.read(0, 1);
    await server.take(1);
    server.cut();
    await expect(read).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.read(0, 1)).rejects.toMatchObject({ code: 'ENODEV' });
    expect(log.join()).toMatch(/the NBD connection broke/);
  });

  it('a server that says it shuts down is asked again', async () => {
    const it = await opened();
    const { server, port, clock } = it;
    const read = port.read(0, 1);
    server.reply((await server.take(1))[0]!, NbdError.Shutdown);
    await passTime(clock, () => server.requests.length > 0);
    const [again] = await server.take(1);
    expect(again!.link).toBe(1);
    server.reply(again!, 0, Buffer.alloc(512, 4));
    expect((await read)[0]).toBe(4);
  });

  it('is tried with longer and longer pauses until the time is over', async () => {
    const { server, port, clock, log, engine } = await opened();
    const read = port.read(0, 1);
    await server.take(1);
    server.stopListening();
    server.cut();
    const pauses: number[] = [];
    const started = vi.spyOn(clock, 'after');
    // Timers of attempts have all the time that is left, which is more.
    const isPause = (call: unknown[]): boolean => (call[0] as number) <= 2000;
    while (pauses.length < 8) {
      const next = await vi.waitFor(() => {
        const [milliseconds] = started.mock.calls.filter(isPause)[pauses.length] ?? [];
        return milliseconds ?? expect.fail('no attempt failed yet');
      });
      pauses.push(next);
      clock.advance(next);
    }
    clock.advance(2000);
    await expect(read).rejects.toMatchObject({ code: 'EIO' });
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000]);
    expect(log.join()).toMatch(/did not come back within 10 seconds/);
    await vi.waitFor(() => expect(engine.devices()).toHaveLength(0));
  });

  it('a server that breaks at each request is given up', async () => {
    const { server, port, clock } = await opened();
    const read = port.read(0, 1);
    const state = { settled: false };
    const result = read
      .catch((error: unknown) => (error as { code: string }).code)
      .finally(() => (state.settled = true));
    for (let links = 1; !state.settled; links++) {
      await server.until(() => server.requests.length > 0);
      server.requests.length = 0;
      server.links.at(-1)!.destroy();
      const isOver = (): boolean => state.settled || server.links.length > links;
      while (!isOver()) {
        await new Promise((resolve) => setImmediate(resolve));
        clock.advance(100);
      }
    }
    expect(await result).toBe('EIO');
    expect(server.links.length).toBeLessThan(30);
  });

  it.each<[string, FakeOptions, RegExp]>([
    ['another size', { size: 2 ** 19 }, /its size was 1048576 bytes and is 524288/],
    ['no flush', { flags: ALL_FLAGS & ~TransmissionFlag.SendFlush }, /no FLUSH any more/],
    ['read-only', { flags: ALL_FLAGS | TransmissionFlag.ReadOnly }, /read-only now/],
    [
      'larger blocks',
      { blockSizes: { minimum: 4096, preferred: 4096, maximum: 2 ** 25 } },
      /smallest block is 4096/,
    ],
    [
      'smaller requests',
      { blockSizes: { minimum: 1, preferred: 4096, maximum: 65536 } },
      /largest request is 65536/,
    ],
  ])('an export that came back with %s is another one', async (_, serves, words) => {
    const { server, port, clock, log } = await opened();
    const failed = expect(port.read(0, 1)).rejects.toMatchObject({ code: 'EIO' });
    await server.take(1);
    server.serves = serves;
    server.cut();
    await passTime(clock, () => words.test(log.join()));
    await failed;
    expect(log.join()).toMatch(words);
  });

  it('a server that refuses for a while is waited for', async () => {
    const { server, port, clock } = await opened();
    const read = port.read(0, 1);
    await server.take(1);
    server.serves = { refuse: { [NbdOption.Go]: OptionReply.ErrUnknown } };
    server.cut();
    await passTime(clock, () => server.options.filter((option) => option === NbdOption.Go).length === 3);
    server.serves = {};
    await passTime(clock, () => server.requests.length > 0);
    server.reply((await server.take(1))[0]!, 0, Buffer.alloc(512, 6));
    expect((await read)[0]).toBe(6);
  });

  it('one that is closed while it is gone is not looked for any more', async () => {
    const { server, port, clock, engine } = await opened();
    server.stopListening();
    server.cut();
    await vi.waitFor(() => expect(clock.pending).toBe(2));
    port.close();
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  it('without extended headers, on which longer requests than 4 GiB rely, it is another one', async () => {
    const { server, clock, log } = await opened({ headers: 'extended', size: 2 ** 40 });
    server.serves = { headers: 'structured', size: 2 ** 40 };
    server.cut();
    await passTime(clock, () => log.join().includes('no extended headers any more'));
  });

  it('the headers may change', async () => {
    const it = await opened({ headers: 'extended', allocation: 3 });
    const { server, port } = it;
    const all = [port.read(0, 1), port.extents(0, 10)];
    await server.take(2);
    server.serves = { headers: 'simple' };
    await cutAndWait(it);
    server.reply((await server.take(1))[0]!, 0, Buffer.alloc(512, 6));
    const [data, extents] = await Promise.all(all);
    expect((data as Uint8Array)[0]).toBe(6);
    expect(extents).toEqual([{ sector: 0, count: 10, hole: false, zero: false }]);
  });
});

describe('a flush tells the truth across a break', () => {
  it('what was answered and not flushed is written again before anything else', async () => {
    const it = await opened();
    const { server, port } = it;
    await written(it, 0, 4, 1);
    await flushed(it);
    await written(it, 2, 4, 2);
    await written(it, 3, 1, 3);
    const flush = port.flush();
    await server.take(1);
    await cutAndWait(it);
    const repeats = await server.take(3);
    expect(repeats.map(({ offset, data }) => [offset / 512, data.length / 512, data[0]]).sort()).toEqual([
      [2, 1, 2],
      [3, 1, 3],
      [4, 2, 2],
    ]);
    expect(server.requests).toHaveLength(0);
    for (const request of repeats) server.reply(request);
    const [again] = await server.take(1);
    expect(again!.command).toBe(Flush);
    server.reply(again!);
    await flush;
    await cutAndWait(it);
    expect(await firstSent(it)).toEqual([Read, 500]);
  });

  it('what is stable, or may be lost, is not written again, nor what lies under it', async () => {
    const it = await opened();
    const { server, port } = it;
    await written(it, 0, 4, 1);
    const all = [writeBio(port, BioFlag.Fua, 1), port.discard(2, 1), port.writeZeroes(3, 1, BioFlag.NoUnmap)];
    for (const request of await server.take(3)) server.reply(request);
    await Promise.all(all);
    await cutAndWait(it);
    const repeats = await server.take(2);
    expect(repeats.map(brief).sort()).toEqual([
      [Write, 0],
      [WriteZeroes, 3],
    ]);
    expect(repeats.map(({ flags }) => flags).sort()).toEqual([0, 2]);
  });

  it('a break while it is written again begins it anew', async () => {
    const it = await opened();
    const { server, port } = it;
    await written(it, 0, 2, 1);
    await cutAndWait(it);
    expect((await server.take(1)).map(brief)).toEqual([[Write, 0]]);
    await cutAndWait(it);
    server.reply((await server.take(1))[0]!);
    const flush = port.flush();
    server.reply((await server.take(1))[0]!);
    await flush;
  });

  it('what cannot be written again fails every flush that waited, or the next one, once', async () => {
    const it = await opened();
    const { server, port, log } = it;
    await written(it, 0);
    const flushes = [port.flush(), port.flush()];
    await server.take(2);
    await cutAndWait(it);
    server.reply((await server.take(1))[0]!, NbdError.NoSpc);
    for (const flush of flushes) await expect(flush).rejects.toMatchObject({ code: 'EIO' });
    await flushed(it);
    await written(it, 1);
    await cutAndWait(it);
    server.reply((await server.take(1))[0]!, NbdError.NoSpc);
    await expect(port.flush()).rejects.toMatchObject({ code: 'EIO' });
    await flushed(it);
    expect(log.join()).toMatch(/may be lost/);
  });

  it('the device flushes by itself before there is too much to keep', async () => {
    const it = await opened({ size: 2 ** 27 });
    const { server, port } = it;
    const taken = async (command: number): Promise<Arrived> => {
      await server.until(() => server.requests.some((request) => request.command === command));
      const at = server.requests.findIndex((request) => request.command === command);
      return server.requests.splice(at, 1)[0]!;
    };
    for (let i = 0; i < 20; i++) {
      const write = port.write(i * 2048, Buffer.alloc(2 ** 20, i));
      server.reply(await taken(Write));
      await write;
    }
    server.reply(await taken(Flush));
    const read = port.read(0, 1);
    server.reply((await server.take(1))[0]!, 0, Buffer.alloc(512));
    await read;
    await cutAndWait(it);
    // Only what was written after that flush had been sent.
    const repeats = await server.take(3);
    expect(Math.min(...repeats.map(({ offset }) => offset / 2 ** 20))).toBeGreaterThanOrEqual(16);
    expect(server.requests).toHaveLength(0);
  });

  it('more than can be kept: the next flush after a break fails once, and nothing old is written', async () => {
    const it = await opened({ size: 2 ** 28 });
    const { server, port } = it;
    for (let i = 0; i < 68; i++) {
      const write = port.write(i * 2048, Buffer.alloc(2 ** 20, i));
      await server.until(() => server.requests.some(({ command }) => command === Write));
      const at = server.requests.findIndex(({ command }) => command === Write);
      server.reply(server.requests.splice(at, 1)[0]!);
      await write;
    }
    server.requests.length = 0;
    await cutAndWait(it);
    const repeats = await server.take(4);
    expect(Math.min(...repeats.map(({ offset }) => offset / 2 ** 20))).toBeGreaterThanOrEqual(63);
    for (const request of repeats) server.reply(request);
    await expect(port.flush()).rejects.toMatchObject({ code: 'EIO' });
    await flushed(it);
  });

  it('of a server without FLUSH an answer is taken for stable', async () => {
    const it = await opened({ flags: ALL_FLAGS & ~TransmissionFlag.SendFlush });
    await written(it, 0);
    await cutAndWait(it);
    expect(await firstSent(it)).toEqual([Read, 500]);
  });
});

/** What comes first when a read of sector 500 is asked for. */
async function firstSent({ server, port }: Opened): Promise<[number, number]> {
  const read = port.read(500, 1);
  const [request] = await server.take(1);
  server.reply(request!, 0, Buffer.alloc(request!.command === Read ? 512 : 0));
  await read.catch(() => undefined);
  return brief(request!);
}

describe('closing while the connection is broken', () => {
  it('leaves a server that does not get on with the handshake', async () => {
    const { server, engine, port, clock } = await opened();
    server.serves = { greeting: Buffer.alloc(0) };
    server.cut();
    await passTime(clock, () => server.links.length === 2);
    port.close();
    await engine.close();
    await vi.waitFor(() => expect(server.links[1]!.destroyed).toBe(true));
  });

  it('ends what waits for it, a question about extents among them', async () => {
    const { server, engine, port } = await opened({ headers: 'structured', allocation: 7 });
    const extents = port.extents(0, 8);
    await server.take(1);
    server.stopListening();
    server.cut();
    await vi.waitFor(() => expect(server.links.every(({ destroyed }) => destroyed)).toBe(true));
    port.close();
    await engine.close();
    expect(await extents).toEqual([{ sector: 0, count: 8, hole: false, zero: false }]);
  });
});
