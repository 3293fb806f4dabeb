import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import {
  ChunkType,
  encodeChunk,
  encodeGreeting,
  encodeOptionReply,
  NbdOption,
  OptionReply,
} from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { judge } from '../src/fuzz/judge.ts';
import { fuzzServer } from '../src/index.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { ours, pattern, uriOf } from './fixture.ts';

// A long run: INTERPOSER_FUZZ_CASES=1000000.
const cases = Number(process.env.INTERPOSER_FUZZ_CASES ?? 400);
const long = { timeout: 60_000 + cases * 5 };

describe('malformed handshakes and transmissions', () => {
  it('do not harm our server with a writable export', long, async () => {
    const { uri } = await ours();
    const { answered } = await fuzzServer(uri('disk'), { cases, seed: 1 });
    expect(answered).toBeGreaterThan(0);
  });

  it('get no byte from our server that is not on a read-only export', long, async () => {
    const { uri } = await ours();
    expect((await fuzzServer(uri('fixed'), { cases, seed: 2 })).cases).toBe(cases);
  });

  it('find a server that does not end a connection', async () => {
    const path = join(await temporaryFolder(), 'deaf.sock');
    const target = (await ours()).path;
    let count = 0;
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const link = connect({ path: target, allowHalfOpen: true });
      later(() => client.destroy());
      client
        .on('error', () => undefined)
        .on('close', () => link.destroy())
        .pipe(link);
      // From the tenth on, ends are not passed on.
      link.on('error', () => undefined).pipe(client, { end: count++ < 10 });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    later(() => server.close());
    const run = fuzzServer(uriOf(path, 'disk'), { cases: 100, seed: 5, timeout: 500 });
    await expect(run).rejects.toThrow(/case \d+ of seed 5: the server does not end the connection/);
  });
});

describe('what a server sends is judged', () => {
  const greeting = encodeGreeting(3);
  const go = encodeOptionReply(NbdOption.Go, OptionReply.Ack);
  const snapshot = pattern(4096);

  function judgement(...replies: Buffer[]): string | null {
    return judge(Buffer.concat([greeting, go, ...replies]), snapshot);
  }

  function chunk(type: number, payload: Buffer): Buffer {
    return encodeChunk({ flags: 1, type, cookieHigh: 0, cookieLow: 7 }, payload);
  }

  function data(offset: number, bytes: Buffer): Buffer {
    return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, offset >> 8, offset & 0xff]), bytes]);
  }

  it('as fine', () => {
    expect(judgement()).toBe(null);
    expect(judgement(chunk(ChunkType.OffsetData, data(512, snapshot.subarray(512, 528))))).toBe(null);
    expect(judge(greeting.subarray(0, 9), snapshot)).toBe(null);
    expect(judge(Buffer.alloc(0), null)).toBe(null);
  });

  it('as data from elsewhere', () => {
    const shifted = data(512, snapshot.subarray(513, 529));
    expect(judgement(chunk(ChunkType.OffsetData, shifted))).toMatch(/at 512 are not those of the export/);
  });

  it('as bytes that it had to drop', () => {
    const text = Buffer.concat([Buffer.from('0000001600080000', 'hex'), Buffer.alloc(8, 0xe7)]);
    expect(judgement(chunk(ChunkType.Error, text))).toMatch(/never on the export/);
  });

  it('as no reply at all', () => {
    expect(judgement(Buffer.alloc(20))).toBe('0x0 starts no reply');
    expect(judge(Buffer.from('SSH-2.0-OpenSSH_9.2 and so on'), null)).toBe('the greeting is malformed');
    const odd = Buffer.concat([greeting, encodeOptionReply(NbdOption.Info, 77)]);
    expect(judge(odd, null)).toBe('an option is answered with type 77');
  });
});
