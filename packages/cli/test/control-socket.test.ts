import { randomBytes } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlServer } from '../src/daemon/control-server.ts';
import { Host } from '../src/daemon/host.ts';
import { METHOD_NAMES } from '../src/daemon/methods.ts';
import { connect, type RemoteService } from '../src/daemon/remote.ts';
import { PLUGINS } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();
const path = join(directory, 'run', 'control.sock');
const host = new Host();
for (const plugin of PLUGINS) host.plugins.add(plugin);
let shutdowns = 0;
const server = new ControlServer(host, () => shutdowns++);
let client: RemoteService;

beforeAll(async () => {
  await server.listen(path);
  client = await connect(path, { cwd: directory });
});

afterAll(async () => {
  client.close();
  await server.drain();
  await server.close();
  await host.close();
});

/** A client that says what it likes, and keeps the lines it is answered. */
class RawClient {
  readonly socket: Socket;
  readonly answers: Record<string, unknown>[] = [];
  readonly closed: Promise<void>;
  #text = '';
  #wake: () => void = () => undefined;

  constructor() {
    this.socket = connectSocket({ path, allowHalfOpen: true });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      const lines = (this.#text + chunk.toString()).split('\n');
      this.#text = lines.pop()!;
      for (const line of lines) this.answers.push(JSON.parse(line) as Record<string, unknown>);
      this.#wake();
    });
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve()));
  }

  say(...lines: readonly (string | Uint8Array)[]): void {
    for (const line of lines) {
      this.socket.write(line);
      this.socket.write('\n');
    }
  }

  /** The answer to a request. */
  async answerTo(id: unknown): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.answers.find((answer) => answer.id === id);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function request(id: unknown, method: string, ...params: unknown[]): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

describe('the control socket', () => {
  it('can be used by its owner only, and so can its directory', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'run')).mode & 0o777).toBe(0o700);
  });

  it('refuses a second server, and takes over the socket of a dead one', async () => {
    const second = new ControlServer(host, () => undefined);
    await expect(second.listen(path)).rejects.toMatchObject({ code: 'EBUSY' });
    expect(existsSync(path)).toBe(true);
    const plain = join(directory, 'plain');
    writeFileSync(plain, 'mine');
    await expect(new ControlServer(host, () => undefined).listen(plain)).rejects.toMatchObject({
      code: 'EEXIST',
    });
  });

  it('has the interface of an engine: results, codes and messages come across', async () => {
    makeImage(directory, 'a.img', 64);
    const info = await client.create('a', { table: '0 64 linear a.img 0', uuid: 'U' });
    expect(info).toEqual(await host.engine.info('a'));
    const data = randomBytes(8 * 512);
    await client.write('a', 8, data);
    expect(Buffer.from(await client.read('a', 8, 8)).equals(data)).toBe(true);
    await expect(client.info('nosuch')).rejects.toMatchObject({
      name: 'InterposerError',
      code: 'ENXIO',
      message: 'no mapped device nosuch',
    });
    await expect(client.create('a')).rejects.toMatchObject({ code: 'EBUSY' });
    expect(await client.deps('a')).toEqual(await host.engine.deps('a'));
    await client.remove('a');
    expect(await client.list()).toEqual([]);
  });

  it('carries more data than one message may', async () => {
    await client.create('big', { table: '0 8192 linear ram:4M 0' });
    const data = randomBytes(8192 * 512);
    await client.write('big', 0, data);
    expect(Buffer.from(await client.read('big', 0, 8192)).equals(data)).toBe(true);
    await client.remove('big');
  });

  it('ends a wait when the client goes, and closes what it held', async () => {
    await client.create('w', { table: '0 8 zero' });
    const other = await connect(path);
    const { device } = await other.hold('w', 'read');
    expect(device).toBe('254:0');
    expect((await client.info('w')).openCount).toBe(1);
    const waiting = other.wait('w', 0);
    other.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    while ((await client.info('w')).openCount > 0) await client.list();
    await client.remove('w');
  });

  it('answers a shutdown before anything happens', async () => {
    await client.shutdown();
    expect(shutdowns).toBe(1);
  });
});

describe('bad messages', () => {
  it.each([
    ['no JSON', '{', -32_700, null],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), -32_700, null],
    ['no object', '7', -32_600, null],
    ['a batch', '[]', -32_600, null],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"list"}', -32_600, 1],
    ['no method', '{"jsonrpc":"2.0","id":2}', -32_600, 2],
    ['an odd id', '{"jsonrpc":"2.0","id":{},"method":"list"}', -32_600, null],
    ['an unknown method', request(3, 'nosuch'), -32_601, 3],
    ['a method of every object', request(4, 'constructor'), -32_601, 4],
    ['parameters by name', '{"jsonrpc":"2.0","id":5,"method":"info","params":{"name":"a"}}', -32_602, 5],
    ['a parameter of another type', request(6, 'info', 7), -32_602, 6],
    ['too many parameters', request(7, 'list', 1), -32_602, 7],
    ['an option that is none', request(8, 'create', 'x', { tabel: '' }), -32_602, 8],
    ['a read of too much', request(9, 'read', 'x', 0, 2 ** 40), -32_602, 9],
    ['a fraction of a sector', request(10, 'read', 'x', 0.5, 1), -32_602, 10],
  ])('%s is answered with an error', async (_what, line, code, id) => {
    const raw = new RawClient();
    raw.say(line);
    expect(await raw.answerTo(id)).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
    raw.say(request('after', 'list'));
    expect(await raw.answerTo('after')).toMatchObject({ result: [] });
    raw.socket.destroy();
  });

  it('one that is too long is answered, and thrown away without being kept', async () => {
    const raw = new RawClient();
    const megabyte = Buffer.alloc(2 ** 20, 'x');
    for (let count = 0; count < 16; count++) raw.socket.write(megabyte);
    raw.say('', request('after', 'list'));
    expect(await raw.answerTo(null)).toMatchObject({ error: { code: -32_600 } });
    expect(await raw.answerTo('after')).toMatchObject({ result: [] });
    raw.socket.destroy();
  });

  it('notifications are not answered, and a client that has said all gets its answers', async () => {
    const raw = new RawClient();
    raw.say('{"jsonrpc":"2.0","method":"list"}', '{"jsonrpc":"2.0","method":"nosuch"}', request(1, 'list'));
    raw.socket.end();
    await raw.closed;
    expect(raw.answers).toEqual([{ jsonrpc: '2.0', id: 1, result: [] }]);
  });

  it('a client that does not read its answers is not read either', async () => {
    const raw = new RawClient();
    raw.socket.pause();
    await client.create('t', { table: '0 8 zero' });
    const line = `${request(1, 'info', 't')}\n`;
    // More answers than any socket buffer holds: the daemon stops reading, and so this side stops sending.
    let sent = 0;
    while (raw.socket.writableLength < 2 ** 20 && sent < 40_000) {
      raw.socket.write(line);
      sent++;
    }
    expect(await client.list()).toHaveLength(1);
    raw.socket.destroy();
    await client.remove('t');
  });
});

describe('garbage', () => {
  /** Few in the everyday run; `INTERPOSER_FUZZ=100000` for the long one. */
  const PACKETS = Number(process.env.INTERPOSER_FUZZ ?? 3000);
  const seeds = METHOD_NAMES.filter(
    (name) => !['shutdown', 'wait', 'suspend', 'addExport', 'loadPlugin', 'chdir'].includes(name),
  ).flatMap((name) => [
    request(1, name, 'ram:1M', 0, 8),
    request(2, name, 'f', { table: '0 8 zero\n8 8 linear ram:1M 0', force: true }),
    request(3, name, 'f', '0 8 error', {}),
  ]);

  /** The same sequence for the same seed. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  function mutate(text: string, next: (below: number) => number): Buffer {
    const bytes = Buffer.from(text);
    for (let count = next(4); count > 0; count--) bytes[next(bytes.length)] = next(256);
    if (next(4) === 0)
      return Buffer.concat([bytes.subarray(0, next(bytes.length)), bytes.subarray(next(bytes.length))]);
    return bytes;
  }

  it(`${String(PACKETS)} random and mutated packets leave the daemon alive`, async () => {
    const next = random(42);
    const before = process.memoryUsage().rss;
    let answered = 0;
    for (let sent = 0; sent < PACKETS;) {
      const raw = new RawClient();
      for (let count = 0; count < 500 && sent < PACKETS; count++, sent++) {
        const packet = next(5) === 0 ? randomBytes(next(200)) : mutate(seeds[next(seeds.length)]!, next);
        raw.say(packet);
      }
      raw.say('', request('last', 'list'));
      await raw.answerTo('last');
      answered += raw.answers.length;
      raw.socket.destroy();
      await raw.closed;
    }
    expect(answered).toBeGreaterThan(PACKETS / 2);
    for (const { name } of await client.list()) await client.remove(name);
    expect(await client.list()).toEqual([]);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 2 ** 20);
  });
});
