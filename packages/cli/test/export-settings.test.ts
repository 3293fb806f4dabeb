import { spawn } from 'node:child_process';
import { cpSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createEngine, type Port } from '@interposer/core';
import { nbd } from '@interposer/device-nbd';
import { describe, expect, it, onTestFinished } from 'vitest';
import { peer, peerPath } from '../../../tools/peers.ts';
import { pskFile, strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import { Workbench } from './in-process.ts';
import { installProgram } from './installed.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();
const certificates = ['--tls-certificates', x509Folder];
let sockets = 0;

/** The path of a socket that there is not yet. */
function freshSocket(): string {
  return join(directory, `${String(++sockets)}.sock`);
}

/** Opens an export as a client of its own. */
async function visit(uri: string, onLost: () => void = () => undefined): Promise<Port> {
  const engine = createEngine({ types: [nbd] });
  engine.onEvent(({ kind }) => {
    if (kind === 'lost') onLost();
  });
  const port = await engine.open(uri, { mode: 'read' });
  onTestFinished(() => {
    port.close();
    return engine.close();
  });
  return port;
}

async function sizeOf(uri: string): Promise<number> {
  return (await visit(uri)).device.limits.sectors * 512;
}

const secure = (uri: string, folder = x509Folder): string => `${uri}&tls-certificates=${folder}`;

describe('what cannot be', () => {
  it.each<[string[], string, RegExp]>([
    [['--tls', 'maybe'], 'EINVAL', /--tls maybe: want off, on or require/],
    [certificates, 'EINVAL', /say --tls on or --tls require, too/],
    [['--tls-psk', pskFile], 'EINVAL', /say --tls on or --tls require, too/],
    [['--tls-verify-peer'], 'EINVAL', /say --tls on or --tls require, too/],
    [['--tls', 'require'], 'EINVAL', /a folder of certificates, a file of pre-shared keys, or both/],
    [['--tls', 'on', '--tls-certificates', 'nowhere'], 'ENOENT', /nowhere/],
    [['--tls', 'on', '--tls-psk', 'nowhere.psk'], 'ENOENT', /nowhere\.psk/],
    [['--tls', 'on', '--tls-psk', x509Folder + '/ca-cert.pem'], 'EINVAL', /ca-cert\.pem/],
    [['--block-size', '4k'], 'EINVAL', /want MINIMUM\[:PREFERRED\[:MAXIMUM\]\], e\.g\. 4096:64K:1M/],
    [['--block-size', '512:4K:1M:1M'], 'EINVAL', /want MINIMUM/],
    [['--block-size', '513'], 'EINVAL', /513/],
    [['--block-size', '4K:1K'], 'EINVAL', /1024/],
    [['--max-connections', '0'], 'EINVAL', /--max-connections 0: want a whole number from 1 on/],
    [['--idle-timeout', '1m'], 'EINVAL', /--idle-timeout 1m: want a whole number from 1 on/],
    [['--socket-mode', '888'], 'EINVAL', /--socket-mode 888: want three octal digits, e\.g\. 660/],
    [['--socket-mode', '4755'], 'EINVAL', /want three octal digits/],
    [['--socket-group', 'no-such-group'], 'EINVAL', /no group "no-such-group"/],
    [['--allow', 'root'], 'EINVAL', /has the word "root"; allowed are tls, unix, tcp, addr=/],
    [['--allow', 'addr=10.0.0.0/33'], 'EINVAL', /no address or network/],
    [['--allow', 'tls'], 'EINVAL', /this server does not do TLS/],
    [['--allow', 'cert=alice', '--tls', 'on', '--tls-psk', pskFile], 'EINVAL', /certificates of clients/],
    [['--allow', 'user=alice', '--tls', 'on', ...certificates], 'EINVAL', /pre-shared keys/],
  ])('%j is refused with %s, and nothing is left', async (options, code, message) => {
    const bench = new Workbench(directory);
    const path = freshSocket();
    const { code: exit, stderr } = await bench.run(['export', 'add', 'ram:1M', '--unix', path, ...options]);
    expect(exit).toBe(1);
    expect(stderr).toContain(code);
    expect(stderr).toMatch(message);
    expect(existsSync(path)).toBe(false);
    expect(await bench.ok('export', 'ls')).toBe('No exports found\n');
    expect(await bench.ok('device', 'ls')).not.toContain('ram');
  });

  it.each(['--socket-mode=660', '--socket-group=0'])('%s goes with a UNIX socket', async (option) => {
    const bench = new Workbench(directory);
    const { code, stderr } = await bench.run(['export', 'add', 'ram:1M', '--port', '0', option]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('EINVAL') as string]);
  });
});

describe('a socket with several exports', () => {
  const add = (bench: Workbench, path: string, as: string, ...options: string[]) =>
    bench.run(['export', 'add', 'ram:1M', '--as', as, '--unix', path, ...options]);

  it.each([
    [['--tls', 'require', ...certificates]],
    [['--tls', 'require', ...certificates, '--tls-verify-peer']],
    [['--tls', 'off']],
    [['--idle-timeout', '60']],
    [['--socket-mode', '660']],
  ])('opened with --tls on and 30 s: %j is refused', async (options) => {
    const bench = new Workbench(directory);
    const path = freshSocket();
    const settings = ['--tls', 'on', ...certificates, '--idle-timeout', '30'];
    expect(await add(bench, path, 'first', ...settings)).toMatchObject({ code: 0 });
    const { code, stderr } = await add(bench, path, 'second', ...options);
    expect([code, stderr]).toEqual([1, expect.stringContaining('EINVAL') as string]);
    expect(stderr).toContain(`${path} is open already, with other settings`);
    expect(await bench.ok('export', 'ls')).not.toContain('second');
  });

  it('takes the same settings, some of them, or none', async () => {
    const bench = new Workbench(directory);
    const path = freshSocket();
    const settings = ['--tls', 'on', ...certificates, '--idle-timeout', '30', '--socket-mode', '660'];
    const tries = [settings, settings.slice(0, 4), ['--idle-timeout', '30'], []];
    for (const [at, options] of tries.entries()) {
      expect(await add(bench, path, `export-${String(at)}`, ...options)).toMatchObject({ code: 0 });
    }
  });

  it('without TLS is not turned into one with it, nor is --tls off another setting', async () => {
    const bench = new Workbench(directory);
    const path = freshSocket();
    expect(await add(bench, path, 'first')).toMatchObject({ code: 0 });
    const { stderr } = await add(bench, path, 'second', '--tls', 'require', ...certificates);
    expect(stderr).toContain('EINVAL');
    expect(await add(bench, path, 'second', '--tls', 'off')).toMatchObject({ code: 0 });
  });

  it('gives each its own clients, blocks and connections', async () => {
    const bench = new Workbench(directory);
    const path = freshSocket();
    await bench.ok('export', 'add', 'ram:1M', '--as', 'open', '--unix', path);
    const uid = process.getuid!();
    await add(bench, path, 'mine', '--allow', `uid=${String(uid)}`);
    await add(bench, path, 'theirs', '--allow', `uid=${String(uid + 1)}`, '--allow', 'tcp');
    await add(bench, path, 'blocks', '--block-size', '4K:64K:1M', '--strict-blocks');
    await add(bench, path, 'one', '--max-connections', '1');
    const uri = (name: string): string => `nbd+unix:///${name}?socket=${path}`;
    expect(await sizeOf(uri('mine'))).toBe(2 ** 20);
    await expect(sizeOf(uri('theirs'))).rejects.toMatchObject({ code: 'EACCES' });
    const blocks = await visit(uri('blocks'));
    expect(blocks.device.limits).toMatchObject({ logicalBlock: 4096, maxSectors: 2048 });
    await visit(uri('one'));
    await expect(visit(uri('one'))).rejects.toMatchObject({
      message: expect.stringMatching(/connection/) as string,
    });
    expect(await sizeOf(uri('open'))).toBe(2 ** 20);
  });
});

describe('TLS', () => {
  it('is in the URI where it is required, and only there', async () => {
    const bench = new Workbench(directory);
    const path = freshSocket();
    const on = await bench.ok(
      'export',
      'add',
      'ram:1M',
      '--as',
      'a',
      '--unix',
      path,
      '--tls',
      'on',
      ...certificates,
    );
    expect(on).toBe(`nbd+unix:///a?socket=${path}\n`);
    const other = freshSocket();
    const options = ['--tls', 'require', ...certificates];
    const required = await bench.ok('export', 'add', 'ram:1M', '--as', 'a', '--unix', other, ...options);
    expect(required).toBe(`nbds+unix:///a?socket=${other}\n`);
    expect(await sizeOf(secure(required.trim()))).toBe(2 ** 20);
    await expect(sizeOf(required.trim().replace('nbds', 'nbd'))).rejects.toMatchObject({
      code: 'EACCES',
      message: expect.stringMatching(/TLS/) as string,
    });
    const tcp = await bench.ok('export', 'add', 'ram:1M', '--as', 'a', '--port', '0', ...options);
    expect(tcp).toMatch(/^nbds:\/\/127\.0\.0\.1:\d+\/a\n$/);
    expect(await sizeOf(`${tcp.trim()}?tls-certificates=${x509Folder}`)).toBe(2 ** 20);
  });

  it('finds relative paths where the user stands', async () => {
    cpSync(x509Folder, join(directory, 'pki'), { recursive: true });
    cpSync(pskFile, join(directory, 'keys.psk'));
    const bench = new Workbench(directory);
    const options = ['--tls', 'require', '--tls-certificates', 'pki', '--tls-psk', './keys.psk'];
    const uri = (
      await bench.ok('export', 'add', 'ram:1M', '--as', 'a', '--unix', freshSocket(), ...options)
    ).trim();
    expect(await sizeOf(secure(uri))).toBe(2 ** 20);
    const shared = `${uri.replace('://', '://bob@')}&tls-psk-file=${pskFile}`;
    expect(await sizeOf(shared)).toBe(2 ** 20);
  });

  it('lets those in whose certificate a rule names', async () => {
    const bench = new Workbench(directory);
    const path = freshSocket();
    const settings = ['--tls', 'on', ...certificates];
    const add = (as: string, allow: string) =>
      bench.ok('export', 'add', 'ram:1M', '--as', as, '--unix', path, ...settings, '--allow', allow);
    await add('hers', 'cert=alice');
    await add('his', 'cert=bob');
    await add('secret', 'tls unix');
    const uri = (name: string): string => secure(`nbds+unix:///${name}?socket=${path}`);
    const plain = (name: string): string => `nbd+unix:///${name}?socket=${path}`;
    expect(await sizeOf(uri('hers'))).toBe(2 ** 20);
    expect(await sizeOf(uri('secret'))).toBe(2 ** 20);
    await expect(sizeOf(uri('his'))).rejects.toMatchObject({ code: 'EACCES' });
    for (const name of ['hers', 'his', 'secret']) await expect(sizeOf(plain(name))).rejects.toThrow();
    // Nobody vouches for this one.
    await expect(sizeOf(secure(plain('secret').replace('nbd', 'nbds'), strangerFolder))).rejects.toThrow(
      /trusted/,
    );
  });
});

describe('a socket file', () => {
  it('has the mode and group that are asked for, and is private otherwise', async () => {
    const bench = new Workbench(directory);
    const [shared, own] = [freshSocket(), freshSocket()];
    const group = String(process.getgid!());
    const options = ['--socket-mode', '0660', '--socket-group', group];
    await bench.ok('export', 'add', 'ram:1M', '--unix', shared, ...options);
    await bench.ok('export', 'add', 'ram:1M', '--unix', own);
    expect(statSync(shared).mode & 0o777).toBe(0o660);
    expect(statSync(shared).gid).toBe(Number(group));
    expect(statSync(own).mode & 0o777).toBe(0o600);
  });
});

describe('--idle-timeout', () => {
  it('closes a connection that asks for nothing', async () => {
    const bench = new Workbench(directory);
    const uri = await bench.ok(
      'export',
      'add',
      'ram:1M',
      '--as',
      'a',
      '--unix',
      freshSocket(),
      '--idle-timeout',
      '1',
    );
    const lost = new Promise<void>((resolve, reject) => {
      visit(uri.trim(), resolve).catch(reject);
    });
    await lost;
  });
});

describe('serve', () => {
  const program = installProgram();

  it('takes the same options', async () => {
    const path = freshSocket();
    const options = ['--tls', 'require', '--tls-psk', pskFile, '--allow', 'user=bob', '--socket-mode', '620'];
    const running = program.start(['serve', 'ram:1M', '--unix', path, ...options]);
    onTestFinished(() => void running.child.kill('SIGKILL'));
    expect(await running.firstLine()).toBe(`nbds+unix:///?socket=${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o620);
    const uri = (user: string): string => `nbds+unix://${user}@/?socket=${path}&tls-psk-file=${pskFile}`;
    expect(await sizeOf(uri('bob'))).toBe(2 ** 20);
    await expect(sizeOf(uri('alice'))).rejects.toMatchObject({ code: 'EACCES' });
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(path)).toBe(false);
  });

  it('says what is wrong with an option, and ends', async () => {
    const ended = await program.run(['serve', 'ram:1M', '--unix', freshSocket(), '--tls', 'require']);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^interposer: EINVAL: .*certificates/m);
  });

  it.skipIf(!peer('systemd-socket-activate'))('serves on the sockets that systemd passes', async () => {
    const paths = [freshSocket(), freshSocket()];
    const script = join(program.directory, 'program/program-entry.mjs');
    const words = ['serve', 'ram:1M', '--tls', 'on', ...certificates];
    const child = spawn(
      peerPath('systemd-socket-activate')!,
      [...paths.flatMap((path) => ['-l', path]), process.execPath, script, ...words],
      { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env.PATH } },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = new Promise((resolve) => child.on('close', resolve));
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await expect.poll(() => paths.every((path) => existsSync(path))).toBe(true);
    // The program starts with its first client.
    expect(await sizeOf(`nbd+unix:///?socket=${paths[0]!}`)).toBe(2 ** 20);
    expect(await sizeOf(secure(`nbds+unix:///?socket=${paths[1]!}`))).toBe(2 ** 20);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(printed).toBe('descriptor 3\ndescriptor 4\n');
    // The sockets are systemd's.
    expect(paths.every((path) => existsSync(path))).toBe(true);
  });
});
