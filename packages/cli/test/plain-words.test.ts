import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

// What a user reads who mistyped something, or whose device is gone.

const directory = tempDirectory();

async function complaint(bench: Workbench, ...args: readonly string[]): Promise<string> {
  const { code, stderr } = await bench.run(args);
  expect(code).toBe(1);
  return stderr;
}

describe('a mistyped device', () => {
  it('is named once, with those there are', async () => {
    const bench = new Workbench(directory);
    const missing = `interposer: ENOENT: there is no file "${join(directory, 'disc')}"`;
    expect(await complaint(bench, 'export', 'add', 'disc', '--unix', 'x.sock')).toBe(`${missing}\n`);
    await bench.ok('create', 'disk', '--table', '0 8 zero');
    await bench.ok('create', 'other', '--table', '0 8 zero');
    const hint = `${missing}; mapped devices: disk, other\n`;
    expect(await complaint(bench, 'export', 'add', 'disc', '--unix', 'x.sock')).toBe(hint);
    expect(await complaint(bench, 'filter', 'attach', 'disc', 'error')).toBe(hint);
    expect(await complaint(bench, 'explain', 'disc')).toContain('; mapped devices: disk, other\n');
    expect(await complaint(bench, 'zero', './disc', '0', '8')).toBe(`${missing}\n`);
    // The device is there, and something else is not.
    expect(await complaint(bench, 'filter', 'detach', 'disk', 'error')).not.toContain('mapped devices');
  });

  it('is named alone where there are many', async () => {
    const bench = new Workbench(directory);
    for (let i = 0; i < 9; i++) await bench.ok('create', `d${String(i)}`, '--table', '0 8 zero');
    expect(await complaint(bench, 'flush', 'disc')).not.toContain('mapped devices');
  });
});

describe('export', () => {
  it('add names the folder that is missing', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'disk', '--table', '0 8 zero');
    const folder = join(directory, 'nowhere');
    expect(await complaint(bench, 'export', 'add', 'disk', '--unix', 'nowhere/x.sock')).toBe(
      `interposer: ENOENT: cannot listen on ${folder}/x.sock: there is no folder ${folder}\n`,
    );
  });

  it('ls marks a device that is lost', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'disk', '--table', '0 8 zero');
    await bench.ok('export', 'add', 'disk', '--unix', 'lost.sock');
    expect(await bench.ok('export', 'ls')).toMatch(/^disk +disk +rw +nbd/m);
    await bench.ok('device', 'yank', 'disk');
    expect(await bench.ok('export', 'ls')).toMatch(/^disk +disk +lost +nbd/m);
    expect(JSON.parse(await bench.ok('export', 'ls', '--json'))).toMatchObject([
      { name: 'disk', lost: true },
    ]);
    await bench.ok('export', 'rm', 'disk');
  });
});
