import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();

describe('tables that cannot be', () => {
  it.each([
    ['a gap', '0 8 zero\n9 8 zero', 'EINVAL'],
    ['an overlap', '0 8 zero\n7 8 zero', 'EINVAL'],
    ['a start that is not 0', '1 8 zero', 'EINVAL'],
    ['an unknown target', '0 8 crypt x', 'install @interposer/target-crypt'],
    ['too few arguments', '0 8 linear ram:1M', 'EINVAL'],
    ['a device too small', '0 999999 linear ram:1M 0', 'too small'],
    ['a sector beyond all numbers', '0 99999999999999999999 zero', 'EINVAL'],
    ['NaN', '0 NaN zero', 'EINVAL'],
    ['a negative length', '0 -8 zero', 'EINVAL'],
    ['an absent file', '0 8 linear nosuch.img 0', 'ENOENT'],
  ])('%s: a coded reason, and nothing is made', async (_what, table, reason) => {
    const bench = new Workbench(directory);
    const { code, stdout, stderr } = await bench.run(['create', 'd'], { stdin: table });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(reason);
    expect(stderr).toMatch(/^interposer: E[A-Z]+: /m);
    expect(stderr.endsWith('Command failed.\n')).toBe(true);
    expect(await bench.ok('ls')).toBe('No devices found\n');
    expect(bench.host.engine.devices()).toEqual([]);
  });

  it('a name, uuid or minor that is taken leaves both devices as they are', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'a', '-u', 'U', '--table', '0 8 zero');
    const taken = [['a'], ['b', '-u', 'U'], ['b', '-j', '254', '-m', '0']];
    for (const args of taken) {
      expect(await bench.run(['create', ...args, '--table', '0 8 error'])).toMatchObject({ code: 1 });
    }
    expect(await bench.ok('table')).toBe('a: 0 8 zero \n');
  });

  it('a busy image is refused, and so is writing to one that is read-only', async () => {
    const bench = new Workbench(directory);
    makeImage(directory, 'busy.img', 8);
    await bench.ok('export', 'add', 'busy.img', '--as', 'x', '--unix', join(directory, 'busy.sock'));
    const busy = await bench.run(['create', 'd', '--table', '0 8 linear busy.img 0']);
    expect(busy.stderr).toContain('EBUSY');
    await bench.ok('create', 'd', '--table', '0 8 linear busy.img 0 noexcl');
    await bench.ok('create', 'ro', '--readonly', '--table', '0 8 zero');
    expect((await bench.run(['zero', 'ro', '0', '8'])).stderr).toMatch(/EROFS|EPERM/);
  });
});

describe('a table as an operand', () => {
  it('is a file where there is one, else the table itself', async () => {
    const bench = new Workbench(directory);
    writeFileSync(join(directory, 'table.txt'), '0 8 error\n');
    await bench.ok('create', 'a', 'table.txt');
    await bench.ok('create', 'b', '0 8 zero\n8 8 error');
    await bench.ok('load', 'a', '0 16 zero');
    expect(await bench.ok('table')).toBe('a: 0 8 error \nb: 0 8 zero \nb: 8 8 error \n');
    expect(await bench.ok('table', '--inactive', 'a')).toBe('0 16 zero \n');
    const absent = await bench.run(['create', 'c', 'nosuch.txt']);
    expect(absent.stderr).toContain("Couldn't open 'nosuch.txt' for reading.");
  });
});

describe('filter', () => {
  it('attaches, lists, explains and detaches', async () => {
    const bench = new Workbench(directory);
    makeImage(directory, 'f.img', 16);
    await bench.ok('create', 'd', '--table', '0 16 linear f.img 0');
    expect(await bench.ok('filter', 'ls')).toBe('No filters found\n');
    expect(await bench.ok('filter', 'attach', 'd', 'error@150000.5')).toBe('error@150000.5\n');
    expect(await bench.ok('filter', 'attach', 'f.img', 'error@7')).toBe('error@7\n');
    expect(await bench.ok('filter', 'ls', 'd')).toBe(
      'DEVICE  ALTITUDE  TYPE   ARGUMENTS  STATUS\nd       150000.5  error\n',
    );
    expect(await bench.ok('explain', 'd')).toBe(
      [
        'ALTITUDE  BIOS  NS/BIO  PATH',
        '             0          d (254:0), 16 sectors',
        '150000.5     0          |- error',
        '             0          `- 0 16 linear 7:0 0',
        `             0             \`- ${directory}/f.img (7:0), 16 sectors`,
        '7            0                |- error',
        '                              `- driver file\n',
      ].join('\n'),
    );
    expect((await bench.run(['zero', 'd', '0', '8'])).stderr).toMatch(/^interposer: EIO: /);
    expect(await bench.run(['filter', 'attach', 'd', 'error@150000.5'])).toMatchObject({ code: 1 });
    expect((await bench.run(['filter', 'attach', 'd', 'nosuch'])).stderr).toContain(
      '@interposer/filter-nosuch',
    );
    await bench.ok('filter', 'detach', 'd', '150000.5');
    await bench.ok('filter', 'detach', join(directory, 'f.img'), 'error');
    expect((await bench.run(['filter', 'detach', 'd', 'error'])).stderr).toBe(
      'interposer: ENOENT: no filter error on d\n',
    );
    expect(await bench.ok('zero', 'd', '0', '8')).toBe('');
  });
});

describe('export', () => {
  it('several share one socket, a name once; the last takes the socket with it', async () => {
    const bench = new Workbench(directory);
    const path = join(directory, 'e.sock');
    await bench.ok('create', 'a', '--table', '0 8 zero');
    expect(await bench.ok('export', 'add', 'a', '--unix', 'e.sock')).toBe(`nbd+unix:///a?socket=${path}\n`);
    expect(await bench.ok('export', 'add', 'a', '--as', 'b/ü', '--unix', path, '--read-only')).toBe(
      `nbd+unix:///b/%C3%BC?socket=${path}\n`,
    );
    expect(await bench.run(['export', 'add', 'a', '--unix', path])).toMatchObject({
      code: 1,
      stderr: `interposer: EEXIST: there is an export "a" on ${path} already\n`,
    });
    expect(await bench.ok('export', 'add', 'a', '--port', '0')).toMatch(/^nbd:\/\/127\.0\.0\.1:\d+\/a\n$/);
    expect(await bench.ok('export', 'ls')).toMatch(
      /^NAME +DEVICE +MODE +URI\na +a +rw +nbd\S+\nb\/ü +a +ro +nbd\S+\na +a +rw +nbd\S+\n$/,
    );
    expect((await bench.run(['export', 'rm', 'a'])).stderr).toContain('there are several exports "a"');
    await bench.ok('export', 'rm', 'a', '--unix', path);
    await bench.ok('export', 'rm', 'a');
    await bench.ok('export', 'rm', 'b/ü');
    expect(await bench.run(['export', 'rm', 'a'])).toMatchObject({ code: 1 });
    expect(await bench.ok('export', 'ls')).toBe('No exports found\n');
    await bench.ok('remove', 'a');
  });

  it.each([
    [[], 'say where to serve'],
    [['--unix', 'x', '--port', '1'], 'either --unix or --port'],
    [['--port', '70000'], 'port "70000"'],
    [['--port', 'x'], 'port "x"'],
  ])('%j is refused', async (args, reason) => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'a', '--table', '0 8 zero');
    const { code, stderr } = await bench.run(['export', 'add', 'a', ...args]);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
    expect(await bench.ok('export', 'ls')).toBe('No exports found\n');
    expect(await bench.ok('info', '-c', '--noheadings', '-o', 'open', 'a')).toBe('0\n');
  });

  it('a device that is not there is not exported, and no socket is left', async () => {
    const bench = new Workbench(directory);
    expect((await bench.run(['export', 'add', 'nosuch', '--unix', 'n.sock'])).stderr).toContain('ENOENT');
    expect(await bench.ok('export', 'ls')).toBe('No exports found\n');
  });
});

describe('discard, zero and flush', () => {
  it('work on ranges of sectors', async () => {
    const bench = new Workbench(directory);
    const image = makeImage(directory, 'z.img', 64, Buffer.alloc(64 * 512, 1));
    await bench.ok('create', 'd', '--table', '0 64 linear z.img 0');
    await bench.ok('zero', 'd', '8', '8');
    await bench.ok('discard', '254:0', '32', '8');
    await bench.ok('flush', '/dev/mapper/d');
    const data = readFileSync(image);
    expect([data[8 * 512 - 1], data[8 * 512], data[16 * 512 - 1], data[16 * 512]]).toEqual([1, 0, 0, 1]);
    expect((await bench.run(['zero', 'd', '60', '8'])).stderr).toContain('EINVAL');
    expect((await bench.run(['zero', 'd', '-1', '8'])).stderr).toContain("invalid option -- '1'");
    expect((await bench.run(['zero', 'd', '1.5', '8'])).stderr).toContain('sector "1.5"');
  });
});

describe('dmsetup verbs beyond the recordings', () => {
  it('targets is in order of name', async () => {
    expect(await new Workbench(directory).ok('targets')).toBe(
      'error            v1.7.0\nlinear           v1.4.0\nstriped          v1.6.0\nzero             v1.2.0\n',
    );
  });

  it('remove --retry waits in between', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'd', '--table', '0 8 zero');
    const port = await bench.host.engine.open('d');
    expect(await bench.run(['remove', '--retry', 'd'])).toMatchObject({ code: 1 });
    expect(bench.pauses).toEqual(Array.from({ length: 24 }, () => 200));
    port.close();
    await bench.ok('remove', '--retry', 'd');
  });

  it('options may stand before the verb, together, and behind --', async () => {
    const bench = new Workbench(directory);
    writeFileSync(join(directory, '-t'), '0 8 zero');
    await bench.ok('create', 'd', '--', '-t');
    expect(await bench.ok('-c', '--noheadings', 'info', '--separator=|', '-oname', 'd')).toBe('d\n');
  });
});
