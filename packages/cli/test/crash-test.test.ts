import { readdirSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasFuse, tryRead } from './attach-world.ts';
import { CrashWorld } from './crash-world.ts';
import { makeImage } from './temp.ts';

const world = new CrashWorld();
const { check } = world;

beforeEach(() => {
  world.removeResults();
});

describe('crash-test', () => {
  it('finds nothing where a program is right, and shows what it writes if asked to', async () => {
    const { code, stdout, stderr } = await world.record('careful', ...check, '--verbose');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'stored 1\nstored 2\n' });
    expect(stdout).toMatch(/^no failure: .*\n\d+ states\/s; results in crash-test-1\n$/);
    expect(readdirSync(world.path('crash-test-1')).sort()).toEqual([
      'base.img',
      'crash-test.json',
      'verdicts.jsonl',
      'writes.log',
    ]);
    expect(world.remains()).toEqual([]);
  });

  it('tells everything that fails if it is to keep going, for programs too', async () => {
    const { code, stdout } = await world.record('careless', ...check, '--keep-going', '--json');
    expect(code).toBe(2);
    const report = JSON.parse(stdout) as { failures: object[] };
    const [first, second] = world.failures('crash-test-1').map((file) => world.path(file));
    expect(report.failures).toEqual([
      expect.objectContaining({
        promises: [],
        message: 'exit code 1: record 1 is not there',
        kept: [expect.objectContaining({ sector: 0, count: 1 })],
        lost: [expect.objectContaining({ sector: 1, count: 1 })],
        file: first,
      }),
      expect.objectContaining({
        promises: ['stored 1'],
        message: 'exit code 1: record 2 is not there',
        file: second,
      }),
    ]);
    expect(report).toMatchObject({ folder: world.path('crash-test-1'), ended: 'complete' });
    expect(world.remains()).toEqual([]);
  });

  it('tells what it found though the report for others cannot be written', async () => {
    const { code, stdout, stderr } = await world.record(
      'careless',
      ...check,
      '--junit',
      'no/such/folder.xml',
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: expect.stringContaining('record 1 is not there') as string,
      stderr: expect.stringContaining('ENOENT') as string,
    });
  });

  it('tells commands that a shell takes as they are', async () => {
    const { stdout } = await world.record('careless', ...check, '--dir', "crash-test-one's own");
    const [, replay = ''] = /^interposer crash-test (replay .*)$/m.exec(stdout) ?? [];
    expect(replay).toMatch(/^replay 'crash-test-one'\\''s own\/failure-.*\.json'$/);
  });

  it('has done nothing where a program wrote nothing, and says so', async () => {
    const nothing = await world.run('--size', '32K', '--run', 'echo nothing', '--check', 'true');
    expect(nothing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing was written') as string,
    });
  });

  it('leaves an image that it begins with alone', async () => {
    const image = makeImage(world.directory, 'user.img', 64, Buffer.from('mine'));
    const before = readFileSync(image);
    const prepare = 'printf new | dd of="$INTERPOSER_IMAGE" conv=notrunc 2>/dev/null';
    const spoil = 'head -c 3 "$INTERPOSER_IMAGE" | grep -q new && echo gone > "$INTERPOSER_IMAGE"';
    const disk = ['--image', 'user.img', '--prepare', prepare];
    const { code } = await world.run(...disk, '--run', 'echo nothing', '--check', spoil);
    // Nothing was recorded, and the check found nothing.
    expect(code).toBe(1);
    expect(readFileSync(image).equals(before)).toBe(true);
  });

  it('gives each check an empty folder and a disk of its own', async () => {
    const own =
      '[ -z "$(ls -A)" ] || exit 1; touch mine; [ "$(stat -c %s "$INTERPOSER_IMAGE")" = 32768 ] || exit 2; ' +
      'printf xx | dd of="$INTERPOSER_IMAGE" bs=512 seek=60 conv=notrunc 2>/dev/null; ' +
      'case "$INTERPOSER_STATE" in e*) ;; *) exit 3;; esac; sleep 0.02; ' +
      '[ "$(tr -dc x < "$INTERPOSER_IMAGE")" = xx ] || exit 4';
    expect(await world.record('careful', '--check', own, '--jobs', '4')).toMatchObject({ code: 0 });
    expect(world.remains()).toEqual([]);
  });

  it('takes a check that hangs for one that failed', async () => {
    const hang = ['--check', 'sleep 1000', '--timeout', '1'];
    const { code, stdout } = await world.record('careful', ...hang, '--json');
    expect(code).toBe(2);
    const { failures } = JSON.parse(stdout) as { failures: { message: string }[] };
    expect(failures.map(({ message }) => message)).toEqual(['timed out after 1 s']);
    expect(world.remains()).toEqual([]);
  });

  it.each([
    ['./no-such-check', 'ENOENT: the check "./no-such-check" cannot be run, exit code 127; '],
    ['/', 'EACCES: the check "/" cannot be run, exit code 126; '],
  ])('ends at a check that is none: %s', async (command, text) => {
    const { code, stdout, stderr } = await world.record('careful', '--check', command);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(text);
    expect(world.remains()).toEqual([]);
  });

  it('goes on where the user ended it', async () => {
    const counting = 'echo x >> "$INTERPOSER_CWD/checks"; sleep 0.05';
    const counted = (): number => tryRead(world.path('checks')).length / 2;
    const run = ['--run', `${world.store} careful 2`, '--check', counting];
    const first = world.start('--size', '32K', ...run, '--jobs', '1');
    await expect.poll(counted, { timeout: 20_000, interval: 5 }).toBeGreaterThan(1);
    first.child.kill('SIGINT');
    expect(await first.ended).toEqual({
      code: 1,
      stdout: '',
      stderr: 'interposer: interrupted; interposer crash-test --resume crash-test-1 goes on\n',
    });
    expect(world.remains()).toEqual([]);
    const before = counted();
    const { code, stdout } = await world.run('--resume', 'crash-test-1', '--json');
    expect(code).toBe(0);
    const { checked, reused } = JSON.parse(stdout) as { checked: number; reused: number };
    expect(reused).toBeGreaterThan(0);
    expect(counted() - before).toBe(checked - reused);
  });

  it('keeps nothing of a run that the user ended, or that failed', async () => {
    const hanging = world.start('--size', '32K', '--run', 'echo up; sleep 1000', ...check, '--verbose');
    hanging.child.stderr?.once('data', () => hanging.child.kill('SIGTERM'));
    expect(await hanging.ended).toEqual({
      code: 1,
      stdout: '',
      stderr: 'up\ninterposer: interrupted; nothing was kept\n',
    });
    const { code, stderr } = await world.run('--size', '32K', '--run', 'echo oh; exit 2', ...check);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'interposer: EIO: the run command: exit code 2:\noh\n',
    });
    expect(world.results()).toEqual([]);
    expect(world.remains()).toEqual([]);
  });

  it('serves disks over NBD', async () => {
    const verify = ['--present', 'nbd', '--check', `${world.store} verify`];
    const { code, stdout } = await world.record('careless', ...verify);
    expect(code).toBe(2);
    expect(stdout).toContain('Error: record 1 is not there');
    expect(world.remains()).toEqual([]);
  });

  it.skipIf(!hasFuse)('serves disks as files', async () => {
    const asFile = 'INTERPOSER_IMAGE=$INTERPOSER_DISK sh "$INTERPOSER_CWD/check.sh"';
    const { code, stdout } = await world.record('careless', '--present', 'device', '--check', asFile);
    expect(code).toBe(2);
    expect(stdout).toContain('exit code 1: record 1 is not there');
    expect(world.remains()).toEqual([]);
  });
});
