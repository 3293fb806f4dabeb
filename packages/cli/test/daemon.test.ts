import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { controlSocketPath } from '../src/daemon/socket-path.ts';
import { connect } from '../src/index.ts';
import { installProgram, quiet } from './installed.ts';
import { makeImage } from './temp.ts';

// The program as users run it: processes, signals, sockets.

const { directory, socket, start, run } = installProgram();

function pidOfDaemon(): number {
  // The daemon's command line is known from the process table.
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (words.includes('--started') && words.includes(socket)) return Number(name);
    } catch {
      // It ended in between.
    }
  }
  throw new Error('no daemon');
}

describe('a daemon', () => {
  it('starts when it is needed, and files are those of the caller', async () => {
    const elsewhere = join(directory, 'elsewhere');
    mkdirSync(elsewhere);
    const image = makeImage(elsewhere, 'my.img', 64, Buffer.alloc(4096, 'A'));
    expect(await run(['ls'])).toEqual({ ...quiet, stdout: 'No devices found\n' });
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const table = '0 8 linear my.img 0\n8 1 error\n9 55 linear ./my.img 9\n';
    expect(await run(['create', 'bad'], { cwd: elsewhere, stdin: table })).toEqual(quiet);
    expect((await run(['create', 'other', '--table', '0 8 linear my.img 0'])).stderr).toContain('ENOENT');
    const four = await run(['dd', 'if=bad', 'of=head', 'bs=1k', 'count=4'], { cwd: elsewhere });
    expect(four).toMatchObject({ code: 0, stdout: '' });
    const five = await run(['dd', 'if=bad', 'of=head5', 'bs=1k', 'count=5'], { cwd: elsewhere });
    expect(five.code).toBe(1);
    expect(five.stderr).toMatch(
      /^dd: error reading 'bad': Input\/output error\n4\+0 records in\n4\+0 records out\n4096 bytes \(4\.1 kB, 4\.0 KiB\) copied, /,
    );
    for (const file of ['head', 'head5']) {
      expect(readFileSync(join(elsewhere, file)).equals(Buffer.alloc(4096, 'A'))).toBe(true);
    }
    expect(readFileSync(image).length).toBe(64 * 512);
  });

  it('of several that are started at once one runs', async () => {
    rmSync(join(directory, 'run'), { recursive: true, force: true });
    const names = ['a', 'b', 'c', 'd', 'e'];
    const outcomes = await Promise.all(names.map((name) => run(['create', name, '--table', '0 8 zero'])));
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, '']));
    const { stdout } = await run(['ls']);
    expect(stdout.match(/^\w/gm)).toEqual(names);
  });

  it('is replaced after it was killed, and remembers nothing', async () => {
    expect(await run(['create', 'a', '--table', '0 8 zero'])).toEqual(quiet);
    const pid = pidOfDaemon();
    const service = await connect(socket);
    process.kill(pid, 'SIGKILL');
    await service.closed;
    expect(existsSync(socket)).toBe(true);
    expect(await run(['ls', '--no-start'])).toMatchObject({ code: 1, stderr: 'No daemon is running.\n' });
    expect(await run(['ls'])).toEqual({ ...quiet, stdout: 'No devices found\n' });
  });

  it('flushes and closes everything at SIGTERM, also where a device is suspended', async () => {
    const image = makeImage(directory, 'term.img', 64);
    await run(['create', 'd', '--table', '0 64 linear term.img 0']);
    await run(['export', 'add', 'd', '--unix', 'term.sock']);
    const service = await connect(socket, { cwd: directory });
    await service.write('d', 0, new Uint8Array(512).fill(1));
    await service.suspend('d');
    const parked = service.write('d', 1, new Uint8Array(512).fill(2));
    process.kill(pidOfDaemon(), 'SIGTERM');
    await parked;
    await service.closed;
    const data = readFileSync(image);
    expect([data[0], data[512]]).toEqual([1, 2]);
    expect(existsSync(socket)).toBe(false);
    expect(existsSync(join(directory, 'term.sock'))).toBe(false);
  });

  it('runs in the foreground, and says so when one runs already', async () => {
    const foreground = start(['daemon', '--foreground']);
    expect(await foreground.firstLine()).toBe(socket);
    expect(await run(['daemon'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('EBUSY') as string,
    });
    expect(await run(['shutdown'])).toEqual(quiet);
    expect(await foreground.ended).toMatchObject({ code: 0 });
    expect(await run(['shutdown'])).toEqual({ ...quiet, stderr: 'No daemon is running.\n' });
  });

  it('serves devices over NBD that the built-in client reads', async () => {
    makeImage(directory, 'n.img', 64, Buffer.from('over the wire'));
    await run(['create', 'n', '--table', '0 64 linear n.img 0']);
    const { stdout } = await run(['export', 'add', 'n', '--unix', join(directory, 'n.sock')]);
    const uri = stdout.trim();
    expect(uri).toBe(`nbd+unix:///n?socket=${join(directory, 'n.sock')}`);
    expect((await run(['dd', `if=${uri}`, 'count=1'])).stdout.slice(0, 13)).toBe('over the wire');
    expect(await run(['remove', 'n'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('busy') as string,
    });
    expect(await run(['export', 'rm', 'n'])).toEqual(quiet);
    expect(await run(['remove', 'n'])).toEqual(quiet);
  });

  it('a reader that has seen enough is no error', async () => {
    const table = Array.from({ length: 20_000 }, (_, at) => `${String(at)} 1 zero`).join('\n');
    expect(await run(['create', 'many'], { stdin: table })).toEqual(quiet);
    const reader = start(['table']);
    reader.child.stdout?.destroy();
    expect(await reader.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('serve', () => {
  it('prints the URI, serves until a signal, and ends in order', async () => {
    const image = makeImage(directory, 's.img', 64);
    const path = join(directory, 's.sock');
    const serve = start(['serve', 's.img', '--unix', path, '--export-name', 'x']);
    const uri = await serve.firstLine();
    expect(uri).toBe(`nbd+unix:///x?socket=${path}`);
    expect(await run(['dd', `of=${uri}`], { stdin: 'z'.repeat(512) })).toMatchObject({ code: 0 });
    serve.child.kill('SIGINT');
    expect(await serve.ended).toEqual({ code: 0, stdout: `${uri}\n`, stderr: '' });
    expect(readFileSync(image, 'utf8').slice(0, 512)).toBe('z'.repeat(512));
    expect(existsSync(path)).toBe(false);
  });

  it('refuses writes with --read-only, and writes to an image another has open', async () => {
    makeImage(directory, 'ro.img', 64);
    const serve = start(['serve', 'ro.img', '--port', '0', '--read-only']);
    const uri = await serve.firstLine();
    expect(uri).toMatch(/^nbd:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await run(['dd', `of=${uri}`], { stdin: 'z'.repeat(512) })).toMatchObject({ code: 1 });
    serve.child.kill('SIGTERM');
    expect(await serve.ended).toMatchObject({ code: 0 });
    const first = start(['serve', 'ro.img', '--port', '0']);
    await first.firstLine();
    expect(await run(['serve', 'ro.img', '--port', '0'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/EBUSY/) as string,
    });
    first.child.kill('SIGTERM');
    await first.ended;
  });

  it('serves a table with filters over it', async () => {
    const serve = start([
      'serve',
      '--table',
      '0 8 zero',
      '--filter',
      'error@5',
      '--unix',
      join(directory, 't.sock'),
    ]);
    const uri = await serve.firstLine();
    expect(await run(['dd', `if=${uri}`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Input/output error') as string,
    });
    serve.child.kill('SIGTERM');
    expect(await serve.ended).toMatchObject({ code: 0 });
  });
});

describe('the place of the control socket', () => {
  const env = { XDG_RUNTIME_DIR: directory };

  it('is as asked for, else in the environment, else the runtime directory, else a directory of the user', () => {
    expect(controlSocketPath({ socket: 'a.sock', env: { INTERPOSER_SOCKET: '/b' }, cwd: '/c' })).toBe(
      '/c/a.sock',
    );
    expect(controlSocketPath({ env: { ...env, INTERPOSER_SOCKET: '/b/s' }, cwd: '/c' })).toBe('/b/s');
    expect(controlSocketPath({ env, cwd: '/c' })).toBe(join(directory, 'interposer.sock'));
  });

  it('is no directory that others may enter', () => {
    const before = process.env.TMPDIR;
    process.env.TMPDIR = join(directory, 'tmp');
    try {
      const path = controlSocketPath({ env: {}, cwd: '/' });
      expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
      rmSync(join(path, '..'), { recursive: true });
      mkdirSync(join(path, '..'), { mode: 0o755 });
      expect(() => controlSocketPath({ env: {}, cwd: '/' })).toThrow(/mode 0700/);
      rmSync(join(path, '..'), { recursive: true });
      writeFileSync(join(path, '..'), '');
      expect(() => controlSocketPath({ env: {}, cwd: '/' })).toThrow();
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });

  it('is not longer than a socket address', () => {
    expect(() => controlSocketPath({ socket: `/${'x'.repeat(120)}`, env, cwd: '/' })).toThrow(/longer than/);
  });
});
