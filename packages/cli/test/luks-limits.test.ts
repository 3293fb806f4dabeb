import { execFileSync, spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crypt } from '@interposer/target-crypt';
import { describe, expect, it } from 'vitest';
import { peer, peerPath } from '../../../tools/peers.ts';
import { readKey } from '../src/luks/key-file.ts';
import { PLUGINS, Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();
const MIB = 2 ** 20;
const CRYPT = { package: '@interposer/target-crypt', version: '1.2.3', types: [crypt] };
const CHEAP = ['--pbkdf', 'pbkdf2', '--iterations', '1000'] as const;
const PASSPHRASE = 'Tr0ub4dor&3';
const TEST = ['luks', 'open', 'disk.img', '--test-passphrase', '--key-file'] as const;

/** A folder with a volume and key files, and the command line over it. */
async function formatted(...options: readonly string[]): Promise<{ bench: Workbench; folder: string }> {
  const folder = mkdtempSync(join(directory, 'luks-'));
  const bench = new Workbench(folder, [...PLUGINS, CRYPT]);
  writeFileSync(join(folder, 'disk.img'), '');
  truncateSync(join(folder, 'disk.img'), 20 * MIB);
  writeFileSync(join(folder, 'key'), PASSPHRASE);
  writeFileSync(join(folder, 'next'), 'next');
  await bench.ok('luks', 'format', 'disk.img', '--key-file', 'key', ...CHEAP, ...options);
  return { bench, folder };
}

describe('a key file', () => {
  it('can be part of what is far larger than a key', async () => {
    const { bench, folder } = await formatted();
    const disk = await open(join(folder, 'stick'), 'w');
    await disk.write(PASSPHRASE, 12 * MIB);
    await disk.truncate(2 ** 40);
    await disk.close();
    const part = ['--keyfile-offset', String(12 * MIB), '--keyfile-size', String(PASSPHRASE.length)];
    expect(await bench.ok(...TEST, 'stick', ...part)).toBe('Key slot 0 opens.\n');
    const whole = await bench.run([...TEST, 'stick']);
    expect([whole.code, whole.stderr]).toEqual([1, expect.stringMatching(/EINVAL: .*too much for a key/)]);
    const much = await bench.run([...TEST, 'stick', '--keyfile-size', String(2 ** 23 + 1)]);
    expect([much.code, much.stderr]).toEqual([1, expect.stringMatching(/EINVAL: .*up to 8388608/)]);
  });

  it.each([
    ['of no end', '/dev/urandom', ['--keyfile-size', '512'], 2],
    ['that is empty', '/dev/null', [], 1],
    ['that is a folder', '.', [], 1],
  ])('%s is read as far as it is the key', async (_name, file, options, code) => {
    const { bench } = await formatted();
    expect(await bench.run([...TEST, file, ...options])).toMatchObject({ code });
  });

  it('can be a pipe, of which a part is taken', async () => {
    const { bench, folder } = await formatted();
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const writer = createWriteStream(pipe);
    writer.end(`12${PASSPHRASE}3456`);
    const part = ['--keyfile-offset', '2', '--keyfile-size', String(PASSPHRASE.length)];
    expect(await bench.ok(...TEST, pipe, ...part)).toBe('Key slot 0 opens.\n');
  });

  it('stays nowhere in what was read, also where it is refused', async () => {
    for (const [part, succeeds] of [
      [{ offset: 1, size: 4 }, true],
      [{ offset: 1, size: 40 }, false],
    ] as const) {
      const chunks = ['sec', 'ret', 'rest'].map((text) => Buffer.from(text));
      let read = 0;
      const source = async function* (): AsyncGenerator<Buffer> {
        for (const chunk of chunks) {
          read++;
          yield chunk;
        }
      };
      const key = await readKey(source(), '--key-file x', part).then(String, () => undefined);
      expect(key).toBe(succeeds ? 'ecre' : undefined);
      expect(read).toBe(succeeds ? 2 : 3);
      expect(chunks.slice(0, read).every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
    }
  });
});

describe('luks format', () => {
  it('leaves an image alone that is in use', async () => {
    const { bench, folder } = await formatted();
    await bench.ok('luks', 'open', 'disk.img', 'secret', '--key-file', 'key');
    const again = ['luks', 'format', 'disk.img', '--key-file', 'next', ...CHEAP, '--overwrite'];
    for (const more of [[], ['--header', 'header.img']]) {
      const { code, stderr } = await bench.run([...again, ...more]);
      expect([code, stderr]).toEqual([5, expect.stringMatching(/EBUSY: disk.img is in use/)]);
    }
    await bench.ok(...TEST, 'key');
    await bench.ok('luks', 'close', 'secret');
    await bench.ok(...again);
    await bench.ok(...TEST, 'next');
    await bench.ok('create', 'disk', '--table', '0 40960 linear disk.img 0');
    await bench.ok('luks', 'open', 'disk', 'secret', '--key-file', 'next');
    again[2] = 'disk';
    expect((await bench.run(again)).stderr).toMatch(/EBUSY: disk is in use/);
    expect(statSync(join(folder, 'disk.img')).size).toBe(20 * MIB);
  });

  it('makes no header file larger that is there already', async () => {
    const { bench, folder } = await formatted();
    const header = join(folder, 'header.img');
    const format = ['luks', 'format', 'disk.img', '--key-file', 'key', ...CHEAP, '--header', 'header.img'];
    writeFileSync(header, 'mine');
    expect((await bench.run(format)).stderr).toMatch(/E(EXIST|INVAL|NOSPC)/);
    expect(readFileSync(header, 'utf8')).toBe('mine');
    writeFileSync(header, Buffer.alloc(2 * MIB));
    await bench.ok(...format);
    expect(statSync(header).size).toBe(2 * MIB);
  });

  it('takes no option that would mean nothing', async () => {
    const { bench } = await formatted();
    const add = ['luks', 'add-key', 'disk.img', '--key-file', 'key', '--new-keyfile', 'next', ...CHEAP];
    const { code, stderr } = await bench.run([...add, '--pbkdf-memory', '1024']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/--pbkdf-memory is for argon2/)]);
  });
});

describe('luks remove-key of a number', () => {
  it('with a passphrase wants it to open a key slot that stays', async () => {
    const { bench } = await formatted();
    await bench.ok('luks', 'add-key', 'disk.img', '--key-file', 'key', '--new-keyfile', 'next', ...CHEAP);
    const remove = ['luks', 'remove-key', 'disk.img', '1', '--key-file'];
    const refused = await bench.run([...remove, 'next']);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/EACCES: .*that stays/)]);
    await bench.ok(...TEST, 'next');
    expect(await bench.ok(...remove, 'key')).toBe('1\n');
    const last = ['luks', 'remove-key', 'disk.img', '0', '--overwrite', '--key-file'];
    expect((await bench.run([...last, 'next'])).code).toBe(2);
    expect(await bench.ok(...last, 'key')).toBe('0\n');
  });
});

describe('luks header-restore', () => {
  it('takes the header that a whole disk begins with', async () => {
    const { bench, folder } = await formatted();
    execFileSync('cp', ['--sparse=always', 'disk.img', 'copy.img'], { cwd: folder });
    truncateSync(join(folder, 'copy.img'), 2 ** 40);
    await bench.ok('luks', 'remove-key', 'disk.img', '0', '--overwrite');
    await bench.ok('luks', 'header-restore', 'disk.img', 'copy.img');
    await bench.ok(...TEST, 'key');
  });
});

describe.skipIf(!peer('cryptsetup'))('exit codes', () => {
  const KEY = ['--key-file', 'key'];
  const NEXT = ['--key-file', 'next'];
  const THEIRS = ['-q', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
  const OURS = [...CHEAP];
  it.each<readonly [string, readonly string[], readonly string[]]>([
    [
      'a wrong passphrase',
      ['open', '--test-passphrase', 'disk.img', ...NEXT],
      ['open', '--test-passphrase', 'disk.img', ...NEXT],
    ],
    [
      'no such image',
      ['open', '--test-passphrase', 'no.img', ...KEY],
      ['open', '--test-passphrase', 'no.img', ...KEY],
    ],
    [
      'no LUKS header',
      ['open', '--test-passphrase', 'key', ...KEY],
      ['open', '--test-passphrase', 'key', ...KEY],
    ],
    [
      'no such key file',
      ['open', '--test-passphrase', 'disk.img', '--key-file', 'no'],
      ['open', '--test-passphrase', 'disk.img', '--key-file', 'no'],
    ],
    [
      'a key slot that is not in use',
      ['open', '--test-passphrase', 'disk.img', ...KEY, '--key-slot', '4'],
      ['open', '--test-passphrase', 'disk.img', ...KEY, '--key-slot', '4'],
    ],
    [
      'a wrong old passphrase',
      ['luksChangeKey', ...THEIRS, 'disk.img', ...NEXT, 'key'],
      ['change-key', 'disk.img', ...NEXT, '--new-keyfile', 'key', ...OURS],
    ],
    [
      'a passphrase of the slot that is to go',
      ['luksKillSlot', 'disk.img', '0', ...NEXT],
      ['remove-key', 'disk.img', '0', ...NEXT],
    ],
    ['a slot that is not there', ['luksKillSlot', '-q', 'disk.img', '5'], ['remove-key', 'disk.img', '5']],
    [
      'a backup that is there already',
      ['luksHeaderBackup', 'disk.img', '--header-backup-file', 'key'],
      ['header-backup', 'disk.img', 'key'],
    ],
    ['a dump of no volume', ['luksDump', 'key'], ['dump', 'key']],
    ['a success', ['luksDump', 'disk.img'], ['dump', 'disk.img']],
  ])('are those of cryptsetup: %s', async (_name, theirs, ours) => {
    const { bench, folder } = await formatted();
    const { status } = spawnSync(peerPath('cryptsetup')!, theirs, { cwd: folder, input: '' });
    expect((await bench.run(['luks', ...ours])).code).toBe(status);
  });
});
