import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crypt } from '@interposer/target-crypt';
import { describe, expect, it } from 'vitest';
import { peer, peerPath } from '../../../tools/peers.ts';
import { PLUGINS, Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();
const MIB = 2 ** 20;
const CRYPT = { package: '@interposer/target-crypt', version: '1.2.3', types: [crypt] };
/** What costs little. */
const CHEAP = ['--pbkdf', 'pbkdf2', '--iterations', '1000'] as const;
const PASSPHRASE = 'Tr0ub4dor&3';

/** A folder with an image of a size and key files, and the command line over it. */
function setUp(bytes = 20 * MIB): { bench: Workbench; folder: string } {
  const folder = mkdtempSync(join(directory, 'luks-'));
  writeFileSync(join(folder, 'disk.img'), '');
  truncateSync(join(folder, 'disk.img'), bytes);
  writeFileSync(join(folder, 'key'), PASSPHRASE);
  writeFileSync(join(folder, 'next'), 'next');
  return { bench: new Workbench(folder, [...PLUGINS, CRYPT]), folder };
}

async function formatted(...options: readonly string[]): Promise<{ bench: Workbench; folder: string }> {
  const made = setUp();
  await made.bench.ok('luks', 'format', 'disk.img', '--key-file', 'key', ...CHEAP, ...options);
  return made;
}

describe('luks open', () => {
  it.each([
    ['luks2', '32768', '1 sector_size:4096'],
    ['luks1', '4096', ''],
  ])('makes a device of %s that decrypts, and hides its key', async (type, offset, options) => {
    const { bench, folder } = await formatted('--type', type);
    expect(await bench.ok('luks', 'open', 'disk.img', 'secret', '--key-file', 'key')).toBe('');
    const length = String(20 * 2048 - Number(offset));
    const hidden = await bench.ok('table', 'secret');
    expect(hidden).toMatch(
      new RegExp(`^0 ${length} crypt aes-xts-plain64 0{128} 0 \\S+ ${offset}( ${options})?\n$`),
    );
    const shown = await bench.ok('table', '--showkeys', 'secret');
    expect(shown).not.toBe(hidden);
    expect(shown).toMatch(/ crypt aes-xts-plain64 [0-9a-f]{128} 0 /);
    expect(await bench.ok('info', '-c', '--noheadings', '-o', 'uuid', 'secret')).toMatch(
      new RegExp(`^CRYPT-${type.toUpperCase()}-[0-9a-f]{32}-secret\n$`),
    );
    writeFileSync(join(folder, 'plain'), 'plaintext'.repeat(1000));
    await bench.ok('dd', 'if=plain', 'of=secret', 'bs=512', 'conv=fsync');
    expect(await bench.ok('dd', 'if=secret', 'bs=9', 'count=1000')).toBe('plaintext'.repeat(1000));
    expect(readFileSync(join(folder, 'disk.img')).includes('plaintext')).toBe(false);
    await bench.ok('luks', 'close', 'secret');
    expect(await bench.ok('ls')).toBe('No devices found\n');
    await bench.ok(
      'luks',
      'open',
      'disk.img',
      'again',
      '--key-file',
      'key',
      '--readonly',
      '--allow-discards',
    );
    expect(await bench.ok('dd', 'if=again', 'bs=9', 'count=1')).toBe('plaintext');
    expect(await bench.ok('table', 'again')).toContain(' allow_discards');
    expect((await bench.run(['dd', 'if=plain', 'of=again', 'count=1'])).code).toBe(1);
  });

  it('opens with a header elsewhere', async () => {
    const { bench, folder } = setUp();
    await bench.ok('luks', 'format', 'disk.img', '--key-file', 'key', ...CHEAP, '--header', 'header.img');
    expect(readFileSync(join(folder, 'disk.img')).every((byte) => byte === 0)).toBe(true);
    expect(statSync(join(folder, 'header.img')).mode & 0o777).toBe(0o600);
    await bench.ok('luks', 'open', 'disk.img', 'secret', '--header', 'header.img', '--key-file', 'key');
    expect(await bench.ok('table', 'secret')).toMatch(/^0 40960 crypt \S+ 0+ 0 \S+ 0 1 sector_size:4096\n$/);
    // The header itself is no disk.
    const alone = await bench.run(['luks', 'open', 'header.img', 'x', '--key-file', 'key']);
    expect(alone.stderr).toMatch(/EINVAL: .*detached/);
  });

  it('opens a device of the daemon', async () => {
    const { bench } = await formatted();
    await bench.ok('create', 'disk', '--table', '0 40960 linear disk.img 0');
    expect(await bench.ok('luks', 'dump', 'disk')).toContain('aes-xts-plain64');
    await bench.ok('luks', 'open', 'disk', 'secret', '--key-file', 'key');
    expect(await bench.ok('deps', '-o', 'devname', 'secret')).toContain('(disk)');
    await bench.ok(
      'luks',
      'add-key',
      '/dev/mapper/disk',
      '--key-file',
      'key',
      '--new-keyfile',
      'next',
      ...CHEAP,
    );
    await bench.ok('luks', 'open', 'disk.img', '--test-passphrase', '--key-file', 'next');
  });

  it('says which key slot opens, and nothing of the passphrase when none does', async () => {
    const { bench, folder } = await formatted();
    const test = ['luks', 'open', 'disk.img', '--test-passphrase', '--key-file'];
    expect(await bench.ok(...test, 'key')).toBe('Key slot 0 opens.\n');
    expect(JSON.parse(await bench.ok(...test, 'key', '--json'))).toEqual({ slot: 0 });
    expect(await bench.run([...test, '-'], { stdin: PASSPHRASE })).toMatchObject({ code: 0 });
    for (const wrong of [`${PASSPHRASE}\n`, PASSPHRASE.slice(0, -1), 'x']) {
      expect(await bench.run([...test, '-'], { stdin: wrong })).toEqual({
        code: 2,
        stdout: '',
        stderr: 'interposer: EACCES: no key slot opens with this passphrase\n',
      });
    }
    writeFileSync(join(folder, 'padded'), `12${PASSPHRASE}3456`);
    const part = ['--keyfile-offset', '2', '--keyfile-size', String(PASSPHRASE.length)];
    expect(await bench.ok(...test, 'padded', ...part)).toBe('Key slot 0 opens.\n');
  });

  it.each([
    [['secret'], /EINVAL: .*no terminal/],
    [['secret', '--key-file', 'nosuch'], /ENOENT: .*nosuch/],
    [['secret', '--key-file', '-'], /EINVAL: .*empty/],
    [['secret', '--key-file', 'key', '--volume-key-file', 'key'], /EINVAL: .*give one/],
    [['secret', '--key-file', 'key', '--keyfile-offset', '20'], /EINVAL: .*from byte 20 .* 0 are there/],
    [['secret', '--key-file', 'key', '--key-slot', '4'], /ENOENT: key slot 4 is not in use/],
    [['secret', '--volume-key-file', 'key'], /EACCES: this is not the volume key/],
    [['--key-file', 'key'], /EINVAL: want the NAME/],
    [['secret', '--key-file', 'key', '--test-passphrase'], /EINVAL: want the NAME/],
    [['a/b', '--key-file', 'key'], /contains "\/"/],
  ] as const)('refuses %j', async (args, problem) => {
    const { bench } = await formatted();
    const { code, stderr } = await bench.run(['luks', 'open', 'disk.img', ...args]);
    expect(code).toBe(stderr.includes('EACCES') ? 2 : 1);
    expect(stderr).toMatch(problem);
    expect(await bench.ok('ls')).toBe('No devices found\n');
  });

  it('never tells the key, also when the daemon refuses the table', async () => {
    const { folder } = await formatted();
    const bench = new Workbench(folder);
    const { stderr, stdout } = await bench.run(['luks', 'open', 'disk.img', 'secret', '--key-file', 'key']);
    expect(stderr).toContain('crypt');
    expect(stderr + stdout).not.toMatch(/[0-9a-f]{32}/);
  });
});

describe('luks close', () => {
  it('leaves devices alone that are of no LUKS volume', async () => {
    const { bench } = await formatted();
    await bench.ok('create', 'disk', '--table', '0 8 linear disk.img 0');
    expect((await bench.run(['luks', 'close', 'disk'])).stderr).toMatch(
      /EINVAL: disk is not the device of a LUKS/,
    );
    expect((await bench.run(['luks', 'close', 'nosuch'])).stderr).toMatch(/ENXIO/);
  });
});

describe('key slots', () => {
  it('are added, changed and removed', async () => {
    const { bench, folder } = await formatted();
    const opens = async (key: string): Promise<boolean> => {
      const { code } = await bench.run(['luks', 'open', 'disk.img', '--test-passphrase', '--key-file', key]);
      expect([0, 2]).toContain(code);
      return code === 0;
    };
    const add = ['luks', 'add-key', 'disk.img', ...CHEAP, '--key-file', 'key', '--new-keyfile'];
    expect(await bench.ok(...add, 'next')).toBe('1\n');
    expect(await bench.ok(...add, 'next', '--key-slot', '9')).toBe('9\n');
    expect(await bench.ok('luks', 'remove-key', 'disk.img', '--key-file', 'next')).toBe('1\n');
    expect(await bench.ok('luks', 'remove-key', 'disk.img', '9')).toBe('9\n');
    expect([await opens('key'), await opens('next')]).toEqual([true, false]);
    const change = ['luks', 'change-key', 'disk.img', ...CHEAP, '--key-file', 'key', '--new-keyfile', 'next'];
    expect(await bench.ok(...change)).toBe('0\n');
    expect([await opens('key'), await opens('next')]).toEqual([false, true]);
    const last = await bench.run(['luks', 'remove-key', 'disk.img', '0']);
    expect(last.stderr).toMatch(/EBUSY: .*the last one/);
    await bench.ok('luks', 'remove-key', 'disk.img', '0', '--overwrite');
    expect(await opens('next')).toBe(false);
    expect(existsSync(join(folder, 'disk.img'))).toBe(true);
  });

  it('come back with the header', async () => {
    const { bench, folder } = await formatted();
    await bench.ok('luks', 'header-backup', 'disk.img', 'saved');
    expect(statSync(join(folder, 'saved')).mode & 0o777).toBe(0o400);
    expect((await bench.run(['luks', 'header-backup', 'disk.img', 'saved'])).stderr).toMatch(/EEXIST/);
    await bench.ok('luks', 'remove-key', 'disk.img', '0', '--overwrite');
    await bench.ok('luks', 'header-restore', 'disk.img', 'saved');
    await bench.ok('luks', 'open', 'disk.img', '--test-passphrase', '--key-file', 'key');
  });

  it('are shown, and damage is told and repaired', async () => {
    const { bench, folder } = await formatted('--label', 'my disk');
    expect(await bench.ok('luksDump', 'disk.img')).toMatch(/^Label:\s+my disk$/m);
    expect(JSON.parse(await bench.ok('luks', 'dump', '--json', 'disk.img'))).toMatchObject({
      metadata: { keyslots: { '0': { kdf: { type: 'pbkdf2', iterations: 1000 } } } },
    });
    const image = readFileSync(join(folder, 'disk.img'));
    image[5000]! ^= 1;
    writeFileSync(join(folder, 'disk.img'), image);
    const damaged = await bench.run(['luks', 'dump', 'disk.img']);
    expect([damaged.code, damaged.stderr]).toEqual([
      0,
      expect.stringContaining('the first copy of the header'),
    ]);
    expect(await bench.ok('luks', 'repair', 'disk.img')).toMatch(/^Repaired: the first copy/);
    expect(await bench.ok('luks', 'repair', 'disk.img')).toBe('Nothing is damaged.\n');
    writeFileSync(join(folder, 'no.img'), Buffer.alloc(8192));
    expect((await bench.run(['luks', 'dump', 'no.img'])).stderr).toMatch(/EINVAL: no LUKS header/);
  });
});

describe('luks format', () => {
  it.each([
    [['--type', 'luks3'], /want luks1 or luks2/],
    [['--key-size', '100'], /want bits, a multiple of 8/],
    [['--pbkdf', 'scrypt'], /want pbkdf2, argon2i or argon2id/],
    [['--cipher', 'aes-xts-nosuch'], /EINVAL/],
    [['--data-offset', '1000'], /a multiple of 512/],
    [['--iterations', '10', '--pbkdf', 'pbkdf2'], /at least 1000/],
  ])('refuses %j', async (args, problem) => {
    const { bench } = setUp();
    const { code, stderr } = await bench.run(['luks', 'format', 'disk.img', '--key-file', 'key', ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(problem);
  });

  it('keeps what is there', async () => {
    const { bench } = await formatted();
    const again = ['luks', 'format', 'disk.img', '--key-file', 'next', ...CHEAP];
    expect((await bench.run(again)).stderr).toMatch(/EEXIST/);
    await bench.ok(...again, '--overwrite');
    await bench.ok('luks', 'open', 'disk.img', '--test-passphrase', '--key-file', 'next');
  });
});

describe('docs/luks.md', () => {
  it('shows commands that work as they are written', async () => {
    const { bench, folder } = setUp();
    const page = readFileSync(new URL('../../../docs/luks.md', import.meta.url), 'utf8');
    const lines = [...page.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block]) =>
      block!.trim().split('\n'),
    );
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      const [, before, args] = /^(?:(.*) \| )?interposer (.*)$/.exec(line) ?? [];
      if (args === undefined) {
        execFileSync('sh', ['-c', line], { cwd: folder });
        continue;
      }
      const stdin = before === undefined ? '' : execFileSync('sh', ['-c', before], { cwd: folder });
      // What takes a GiB and seconds by default.
      const cheap = /^luks (?:format|add-key|change-key)/.test(args) ? CHEAP : [];
      const { code, stderr } = await bench.run([...args.split(' '), ...cheap], { stdin });
      expect(`${line}: ${String(code)} ${code === 0 ? '' : stderr}`).toBe(`${line}: 0 `);
    }
  });
});

describe.skipIf(!peer('cryptsetup'))('cryptsetup', () => {
  it('and the command line read each other', async () => {
    const { bench, folder } = setUp();
    const cryptsetup = (...args: readonly string[]): string =>
      execFileSync(peerPath('cryptsetup')!, args, { cwd: folder, encoding: 'utf8' });
    const argon2 = ['--pbkdf', 'argon2id', '--pbkdf-memory', '1024', '--pbkdf-parallel', '2'];
    cryptsetup('luksFormat', '-q', ...argon2, '--pbkdf-force-iterations', '4', 'disk.img', 'key');
    expect(await bench.ok('luks', 'open', 'disk.img', 'secret', '--key-file', 'key')).toBe('');
    const add = ['luks', 'add-key', 'disk.img', '--key-file', 'key', '--new-keyfile', 'next'];
    expect(await bench.ok(...add, ...argon2, '--iterations', '4')).toBe('1\n');
    cryptsetup('open', '--test-passphrase', '--key-file', 'next', 'disk.img');
  });
});

describe.skipIf(!peer('qemu-img'))('qemu-img', () => {
  const LUKS = 'driver=luks,key-secret=s,file.driver=file,file.filename=';
  const qemu = (folder: string, ...args: readonly string[]): string =>
    execFileSync(peerPath('qemu-img')!, args, { cwd: folder, encoding: 'utf8' });
  const secret = ['--object', 'secret,id=s,file=key'];

  /** It gives up where others take its processor while it counts iterations: that is no fault. */
  const encrypting = (folder: string, ...args: readonly string[]): void => {
    for (let tries = 1; ; tries++) {
      const { status, stderr } = spawnSync(peerPath('qemu-img')!, args, { cwd: folder, encoding: 'utf8' });
      if (status === 0) return;
      if (!stderr.includes('accurate CPU usage') || tries === 20) throw new Error(stderr);
    }
  };

  it('decrypts what was written here', async () => {
    const { bench, folder } = setUp(6 * MIB);
    writeFileSync(join(folder, 'plain'), randomBytes(4 * MIB));
    await bench.ok('luks', 'format', 'disk.img', '--type', 'luks1', '--key-file', 'key', ...CHEAP);
    await bench.ok('luks', 'open', 'disk.img', 'secret', '--key-file', 'key');
    await bench.ok('dd', 'if=plain', 'of=secret', 'bs=64k');
    await bench.ok('luks', 'close', 'secret');
    qemu(folder, 'convert', ...secret, '--image-opts', `${LUKS}disk.img`, '-O', 'raw', 'back');
    expect(readFileSync(join(folder, 'back')).equals(readFileSync(join(folder, 'plain')))).toBe(true);
  });

  it('encrypts what is read here', async () => {
    const { bench, folder } = setUp();
    writeFileSync(join(folder, 'plain'), randomBytes(4 * MIB));
    const target = ['-O', 'luks', '-o', 'key-secret=s,iter-time=10', 'made.img'];
    encrypting(folder, 'convert', ...secret, '-f', 'raw', 'plain', ...target);
    await bench.ok('luks', 'open', 'made.img', 'made', '--key-file', 'key');
    await bench.ok('dd', 'if=made', 'of=back', 'bs=64k', 'count=64');
    expect(readFileSync(join(folder, 'back')).equals(readFileSync(join(folder, 'plain')))).toBe(true);
  });
});
