import { copyFileSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { CrashWorld } from './crash-world.ts';
import type { Ended } from './program.ts';

const world = new CrashWorld();
let found: Ended;
let file: string;

beforeAll(async () => {
  found = await world.record('careless', ...world.check, '--junit', 'report.xml', '--dir', 'some/where');
  file = world.failures('some/where')[0]!;
});

describe('a failure that crash-test found', () => {
  it('is reported, with what to do next', () => {
    const { code, stdout, stderr } = found;
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toMatch(/^1 failure: [^]*exit code 1: record 1 is not there\n/);
    expect(stdout).toContain(`\ninterposer crash-test replay ${file}\n`);
    expect(stdout).toContain('--keep-going');
    expect(world.failures('some/where')).toHaveLength(1);
  });

  it('is in the report for continuous integration', () => {
    expect(readFileSync(world.path('report.xml'), 'utf8')).toMatch(
      /^<\?xml[^]*<failure[^]*record 1 is not there[^]*<\/testsuites?>\s*$/,
    );
  });

  it('fails again', async () => {
    const again = await world.run('replay', file);
    expect(again).toMatchObject({ code: 1, stderr: '' });
    expect(again.stdout).toContain('\nrecord 1 is not there\nexit code 1\n');
    const { stdout } = await world.run('replay', file, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      promises: [],
      check: { code: 1, tail: 'record 1 is not there' },
    });
    expect(world.remains()).toEqual([]);
  });

  it.each([
    ['exit 7', 7],
    ['kill -KILL $$', 137],
    ['true', 0],
  ])('may be looked at otherwise: %s', async (command, code) => {
    expect(await world.run('replay', file, '--check', command)).toMatchObject({ code });
  });

  it('is a disk to look into', async () => {
    expect(await world.run('replay', file, '--image', 'bad.img')).toMatchObject({ code: 0 });
    const image = readFileSync(world.path('bad.img'));
    expect(image).toHaveLength(32_768);
    expect(image.toString('latin1', 0, 2)).toBe('1\0');
    expect(image.subarray(512).every((byte) => byte === 0)).toBe(true);
  });

  it('is found again in what was recorded, by another search', async () => {
    const recording = ['--log', 'some/where/writes.log', '--base', 'some/where/base.img'];
    expect(await world.run(...recording, '--check', 'true', '--dir', 'blind')).toMatchObject({ code: 0 });
    const again = await world.run(...recording, '--present', 'nbd', '--check', `${world.store} verify`);
    expect(again).toMatchObject({ code: 2 });
    expect(await world.run('replay', world.failures('crash-test-1')[0]!)).toMatchObject({ code: 1 });
  });

  it('is no failure of another recording', async () => {
    const { code } = await world.record('careful', '--check', 'true', '--dir', 'other');
    expect(code).toBe(0);
    const other = await world.run('replay', file, '--log', 'other/writes.log');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toMatch(/^interposer: EINVAL: .*writes\.log is not the log of this failure/);
  });

  it('without its folder takes the recording', async () => {
    const alone = 'alone.json';
    copyFileSync(world.path(file), world.path(alone));
    const { code, stderr } = await world.run('replay', alone);
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toContain('name the recording with --log and --base');
    const recording = ['--log', 'some/where/writes.log', '--base', 'some/where/base.img'];
    expect(await world.run('replay', alone, ...recording, ...world.check)).toMatchObject({ code: 1 });
  });
});
