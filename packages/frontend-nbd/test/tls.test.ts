import { VirtualClock } from '@interposer/conformance';
import { readClientTls } from '@interposer/nbd-tls';
import {
  encodeContextRequest,
  encodeInfoRequest,
  encodeOption,
  NbdCommand,
  NbdOption,
  OptionReply,
  SIMPLE_REPLY_MAGIC,
} from '@interposer/nbd-protocol';
import { connect as connectSecurely, TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { pskFile, strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import { NbdServer } from '../src/index.ts';
import { later } from '../../../tools/temporary.ts';
import { type Fixture, pattern, serve, until } from './fixture.ts';
import { RawClient, type Reply } from './raw-client.ts';
import { aliceByCertificate, aliceByKey, secure, secureClient, startTls } from './secure-client.ts';

const { Abort, ExportName, ExtendedHeaders, Go, Info, List, SetMetaContext, StartTls, StructuredReply } =
  NbdOption;
const { Ack, ErrInvalid, ErrPolicy, ErrTlsRequired } = OptionReply;
const MIB = 2 ** 20;

const required = { mode: 'require', certificates: x509Folder, psk: pskFile } as const;
const offered = { ...required, mode: 'allow' } as const;

const wanted = encodeInfoRequest({ name: '', types: [] });

async function greeted(fixture: Fixture): Promise<RawClient> {
  const client = fixture.connect();
  await client.greet();
  return client;
}

async function lastType(client: RawClient, option: number, data?: Buffer): Promise<number> {
  return (await client.option(option, data)).at(-1)!.type;
}

/** Under TLS and in transmission. */
async function going(fixture: Fixture, settings = aliceByCertificate): Promise<RawClient> {
  const client = await secureClient(fixture.path, settings);
  expect(await lastType(client, Go, wanted)).toBe(Ack);
  return client;
}

/** Numbers below a bound, the same ones for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const events = (fixture: Fixture) => fixture.events.map(({ kind }) => kind);

describe('before TLS', () => {
  it('where it is required, nothing else is answered', async () => {
    const fixture = await serve({ tls: required });
    const client = await greeted(fixture);
    for (const option of [List, StructuredReply, SetMetaContext, ExtendedHeaders, 4, 99]) {
      expect(await lastType(client, option)).toBe(ErrTlsRequired);
    }
    for (const option of [Info, Go]) expect(await lastType(client, option, wanted)).toBe(ErrTlsRequired);
    expect(await lastType(client, StartTls, Buffer.from('x'))).toBe(ErrInvalid);
    expect(await lastType(client, Abort)).toBe(Ack);
    await client.closed;
  });

  it('where it is required, EXPORT_NAME ends the connection', async () => {
    const fixture = await serve({ tls: required });
    const client = await greeted(fixture);
    client.send(encodeOption(ExportName));
    await client.closed;
    expect(events(fixture)).toEqual(['violation', 'closed']);
  });

  it('where it is off, STARTTLS is refused and all else goes on', async () => {
    const fixture = await serve();
    const client = await greeted(fixture);
    expect(await lastType(client, StartTls)).toBe(ErrPolicy);
    expect(await lastType(client, Go, wanted)).toBe(Ack);
  });

  it('bytes that come with STARTTLS end the connection', async () => {
    const fixture = await serve({ tls: offered });
    const socket = await startTls(fixture.path, encodeOption(List)).catch(() => null);
    if (socket !== null && !socket.destroyed)
      await new Promise((resolve) => socket.on('end', resolve).resume());
    await until(() => events(fixture).includes('closed'));
    expect(events(fixture)).toEqual(['violation', 'closed']);
  });

  it('options that come in place of the TLS handshake end the connection', async () => {
    const fixture = await serve({ tls: offered });
    const socket = await startTls(fixture.path);
    socket.write(encodeOption(Go, wanted));
    await until(() => events(fixture).includes('closed'));
    expect(events(fixture)).toEqual(['violation', 'closed']);
    expect(fixture.server.exports[0]!.connections).toBe(0);
  });
});

describe('the TLS handshake', () => {
  it('ends with the connection', async () => {
    const fixture = await serve({ tls: required });
    for (let bytes = 0; bytes < 3; bytes++) {
      const socket = await startTls(fixture.path);
      // The start of a client hello.
      socket.end(Buffer.from([22, 3, 1].slice(0, bytes)));
      await until(() => events(fixture).filter((kind) => kind === 'closed').length === bytes + 1);
    }
    await going(fixture);
  });

  it('is no way to break the server: random bytes in its place', async () => {
    const fixture = await serve({ tls: required });
    const random = randomNumbers(1);
    for (let client = 0; client < 60; client++) {
      const socket = await startTls(fixture.path);
      const bytes = Buffer.from(Array.from({ length: 1 + random(400) }, () => random(256)));
      // Half of them begin as a record of the handshake does.
      if (random(2) === 0) Buffer.from([22, 3, 1, 0, random(256), 1]).copy(bytes);
      socket.end(bytes);
    }
    await until(() => events(fixture).filter((kind) => kind === 'closed').length === 60);
    expect(new Set(events(fixture))).toEqual(new Set(['violation', 'closed']));
    await going(fixture);
  });

  it('has the time of the handshake', async () => {
    const clock = new VirtualClock();
    const fixture = await serve({ tls: required, clock, handshakeTimeout: 5000 });
    const socket = await startTls(fixture.path);
    clock.advance(4999);
    expect(events(fixture)).toEqual([]);
    clock.advance(1);
    await until(() => socket.destroyed || events(fixture).includes('closed'));
    expect(events(fixture)).toEqual(['violation', 'closed']);
    expect(clock.pending).toBe(0);
  });

  it('does not speak older versions than 1.2', async () => {
    const fixture = await serve({ tls: required });
    const socket = await startTls(fixture.path);
    const old = connectSecurely({
      socket,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
      rejectUnauthorized: false,
    });
    const error = await new Promise<Error>((resolve) => old.on('error', resolve));
    expect(error.message).toMatch(/protocol version/);
  });

  it.each([
    ['certificate', aliceByCertificate],
    ['key', aliceByKey],
  ])('works with TLS 1.2 and 1.3 by %s', async (_kind, settings) => {
    const fixture = await serve({ tls: { ...required, verifyPeer: true } });
    const client = await going(fixture, settings);
    expect(client.socket instanceof TLSSocket && client.socket.getProtocol()).toBe('TLSv1.3');
    const socket = await startTls(fixture.path);
    const own = settings.type === 'x509' ? settings.certificates : {};
    const keys = {
      ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ identity: 'alice', psk: (settings as typeof aliceByKey & { type: 'psk' }).key }),
    };
    const inside = connectSecurely({
      socket,
      maxVersion: 'TLSv1.2',
      ca: own.authority ?? [],
      servername: 'localhost',
      ...(settings.type === 'x509' ? { cert: own.certificate, key: own.key } : keys),
    });
    await new Promise((resolve, reject) => inside.on('secureConnect', resolve).on('error', reject));
    expect(inside.getProtocol()).toBe('TLSv1.2');
    expect(await lastType(new RawClient(inside), Go, wanted)).toBe(Ack);
    const messages = fixture.events.filter(({ kind }) => kind === 'secured').map(({ message }) => message);
    expect(messages[0]).toMatch(/alice/);
    expect(messages[1]).toBe(messages[0]);
  });

  it('is not repeated: renegotiation ends the connection, and sessions are not resumed', async () => {
    const fixture = await serve({ tls: offered });
    const connectAgain = async (session?: Buffer) => {
      const secure = connectSecurely({
        socket: await startTls(fixture.path),
        maxVersion: 'TLSv1.2',
        rejectUnauthorized: false,
        ...(session === undefined ? {} : { session }),
      });
      later(() => secure.destroy());
      await new Promise((resolve) => secure.on('secureConnect', resolve));
      return secure.resume();
    };
    const first = await connectAgain();
    const second = await connectAgain(first.getSession());
    expect(second.isSessionReused()).toBe(false);
    const errors: string[] = [];
    first.on('error', (error: Error) => errors.push(error.message));
    const closed = new Promise((resolve) => first.on('close', resolve));
    first.renegotiate({}, () => undefined);
    first.write(encodeOption(List));
    await closed;
    expect(errors.join()).toMatch(/renegotiation/);
  });

  it('fails for a stranger', async () => {
    const fixture = await serve({ tls: { ...required, verifyPeer: true } });
    const careless = { 'tls-certificates': strangerFolder, 'tls-verify-peer': '0' };
    const stranger = readClientTls({ parameters: careless });
    // In TLS 1.3 a client learns of it after its own handshake.
    await secureClient(fixture.path, stranger).then(
      (client) => client.closed,
      () => undefined,
    );
    await until(() => events(fixture).includes('closed'));
    expect(fixture.events[0]).toMatchObject({
      kind: 'violation',
      message: expect.stringMatching(/authority that is not trusted/) as string,
    });
  });
});

describe('under TLS', () => {
  it('STARTTLS again is refused, and ERR_TLS_REQD never comes', async () => {
    const fixture = await serve({ tls: required });
    const client = await secureClient(fixture.path, aliceByCertificate);
    expect(await lastType(client, StartTls)).toBe(ErrInvalid);
    expect(await lastType(client, 99)).toBe(OptionReply.ErrUnsupported);
    expect(await lastType(client, List)).toBe(Ack);
    expect(await lastType(client, Go, wanted)).toBe(Ack);
  });

  it('nothing that was negotiated before counts', async () => {
    const fixture = await serve({ tls: offered });
    const plain = await greeted(fixture);
    expect(await lastType(plain, StructuredReply)).toBe(Ack);
    const contexts = encodeContextRequest({ name: '', queries: ['base:allocation'] });
    plain.send(encodeOption(SetMetaContext, contexts));
    expect((await plain.answer(SetMetaContext)).type).toBe(OptionReply.MetaContext);
    expect((await plain.answer(SetMetaContext)).type).toBe(Ack);
    expect(await lastType(plain, StartTls)).toBe(Ack);
    const client = await secure(plain, aliceByCertificate);
    expect(await lastType(client, Go, wanted)).toBe(Ack);
    // In structured replies reads would be answered otherwise.
    client.send(RawClient.frame(NbdCommand.Read, 0, 512));
    expect((await client.read(16 + 512)).readUInt32BE(0)).toBe(SIMPLE_REPLY_MAGIC);
  });

  it('requests of all sizes keep their data, many at a time', async () => {
    const fixture = await serve({ tls: required, device: 'ram:8M' });
    const client = await going(fixture, aliceByKey);
    const image = pattern(3 * MIB, 7);
    const sizes = [1, 511, 4096, 16_384, 65_537, 300_000, MIB + 3];
    const writes: Promise<Reply>[] = [];
    for (let at = 0, i = 0; at < image.length; i++) {
      const length = Math.min(sizes[i % sizes.length]!, image.length - at);
      writes.push(client.write(at, image.subarray(at, at + length)));
      at += length;
    }
    for (const { error } of await Promise.all(writes)) expect(error).toBe(0);
    const halves = await Promise.all([client.readAt(0, MIB), client.readAt(MIB, 2 * MIB)]);
    expect(Buffer.concat(halves).equals(image)).toBe(true);
  });

  it('of a client that does not read its replies only so many requests are taken', async () => {
    const fixture = await serve({ tls: required, device: 'ram:8M', maxBufferedBytes: 4 * MIB });
    const client = await going(fixture);
    client.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1000; i++) client.send(RawClient.frame(NbdCommand.Read, 0, MIB));
    for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MIB);
    const other = await going(fixture);
    expect((await other.write(0, pattern(4096))).error).toBe(0);
  });

  it('a client that sends faster than the device writes is slowed down, and loses nothing', async () => {
    const fixture = await serve({ tls: required, maxBufferedBytes: 2 * MIB, disk: { sectors: 65_536 } });
    const client = await going(fixture);
    fixture.disk!.hold();
    const data = pattern(256 * 1024);
    const writes = Array.from({ length: 64 }, (_, index) => client.write(index * data.length, data));
    for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.disk!.held.length).toBeLessThan(20);
    expect(client.socket.writableLength).toBeGreaterThan(4 * MIB);
    fixture.disk!.release();
    for (const { error } of await Promise.all(writes)) expect(error).toBe(0);
    expect((await client.readAt(63 * data.length, data.length)).equals(data)).toBe(true);
  });

  it('the server ends it in order', async () => {
    const fixture = await serve({ tls: required });
    const client = await going(fixture);
    const errors: Error[] = [];
    client.socket.on('error', (error) => errors.push(error));
    const read = client.request(NbdCommand.Read, 0, 512);
    await Promise.all([read, fixture.server.close()]);
    await client.closed;
    expect(errors).toEqual([]);
    expect(fixture.events.at(-1)).toMatchObject({ kind: 'closed', message: 'the server let it go' });
  });

  it('a client that vanishes with requests in flight leaves nothing behind', async () => {
    const fixture = await serve({ tls: required });
    const client = await going(fixture);
    fixture.disk!.hold();
    client.send(RawClient.frame(NbdCommand.Read, 0, 4096));
    await until(() => fixture.disk!.held.length === 1);
    client.close();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.server.exports[0]!.connections).toBe(1);
    fixture.disk!.release();
    await until(() => fixture.server.exports[0]!.connections === 0);
  });
});

describe('settings', () => {
  it.each([
    [{ mode: 'require' }, 'EINVAL', /certificates/],
    [{ mode: 'allow', certificates: '/no/such/folder' }, 'ENOENT', /server-cert\.pem/],
    [{ mode: 'allow', psk: '/no/such/file' }, 'ENOENT', /pre-shared keys/],
    [{ mode: 'allow', psk: new Map([['alice', new Uint8Array(0)]]) }, 'EINVAL', /1 to/],
  ] as const)('%o: %s', (tls, code, message) => {
    expect(() => new NbdServer({ tls })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    );
  });
});
