import { randomBytes } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlServer } from '../src/daemon/control-server.ts';
import { Host } from '../src/daemon/host.ts';
import { METHOD_NAMES } from '../src/daemon/methods.ts';
import { connect, type RemoteService } from '../src/daemon/remote.ts';
import { PLUGINS } from './in-process.ts';
import { RawClient, request } from './raw-client.ts';
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

  it('has the edits of live devices', async () => {
    makeImage(directory, 'b.img', 64);
    const twin = await connect(path, { cwd: '/' });
    await twin.chdir(directory);
    await twin.create('m', { table: '0 64 linear b.img 0 noexcl' });
    expect(await twin.attachFilter('b.img', 'error')).toMatchObject({ type: 'error', altitude: '140000' });
    expect(await twin.swapFilter('b.img', 'error', 'stats')).toMatchObject({
      type: 'stats',
      altitude: '140000',
    });
    await twin.startRemap('m', 'b.img', { altitude: '7' });
    expect(await client.remaps()).toEqual([{ mapped: 'm', device: join(directory, 'b.img'), altitude: '7' }]);
    await client.transaction([
      { kind: 'remap-finish', mapped: 'm' },
      { kind: 'reload', device: 'm', table: '0 64 zero' },
      { kind: 'swap', device: 'b.img', old: 'stats', new: 'error@8' },
    ]);
    await twin.startRemap('m', 'b.img', {});
    expect((await client.filters()).map(({ type, altitude }) => `${type}@${altitude}`)).toEqual([
      'remap@200000',
      'error@8',
    ]);
    const rule = await client.addRule('*', 'stats');
    expect(await twin.rules()).toEqual([rule]);
    await client.removeRule(rule.id);
    expect(await client.listDevices()).toEqual(await host.engine.listDevices());
    await client.finishRemap('m');
    await client.yank('b.img');
    await client.remove('m');
    expect(await client.listDevices()).toEqual([]);
    twin.close();
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
    ['edits that are no list', request(11, 'transaction', {}), -32_602, 11],
    ['an edit that is none', request(12, 'transaction', [7]), -32_602, 12],
    ['an edit of no kind', request(13, 'transaction', [{ kind: 'toString' }]), -32_602, 13],
    ['half an edit', request(14, 'transaction', [{ kind: 'attach', device: 'x' }]), -32_602, 14],
    [
      'an edit with more',
      request(15, 'transaction', [{ kind: 'remap-finish', mapped: 'x', force: true }]),
      -32_602,
      15,
    ],
    ['a rule that is no number', request(16, 'removeRule', '1'), -32_602, 16],
    ['a fraction of a sector', request(10, 'read', 'x', 0.5, 1), -32_602, 10],
  ])('%s is answered with an error', async (_what, line, code, id) => {
    const raw = new RawClient(path);
    raw.say(line);
    expect(await raw.answerTo(id)).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
    raw.say(request('after', 'list'));
    expect(await raw.answerTo('after')).toMatchObject({ result: [] });
    raw.socket.destroy();
  });

  it('one that is too long is answered, and thrown away without being kept', async () => {
    const raw = new RawClient(path);
    const megabyte = Buffer.alloc(2 ** 20, 'x');
    for (let count = 0; count < 16; count++) raw.socket.write(megabyte);
    raw.say('', request('after', 'list'));
    expect(await raw.answerTo(null)).toMatchObject({ error: { code: -32_600 } });
    expect(await raw.answerTo('after')).toMatchObject({ result: [] });
    raw.socket.destroy();
  });

  it('notifications are not answered, and a client that has said all gets its answers', async () => {
    const raw = new RawClient(path);
    raw.say('{"jsonrpc":"2.0","method":"list"}', '{"jsonrpc":"2.0","method":"nosuch"}', request(1, 'list'));
    raw.socket.end();
    await raw.closed;
    expect(raw.answers).toEqual([{ jsonrpc: '2.0', id: 1, result: [] }]);
  });

  it('a client that does not read its answers is not read either', async () => {
    const raw = new RawClient(path);
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
    request(4, name, [{ kind: 'attach', device: 'f', filter: 'error' }]),
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
      const raw = new RawClient(path);
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
