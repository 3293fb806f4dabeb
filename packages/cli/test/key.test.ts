import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crypt, cryptFilter } from '@interposer/target-crypt';
import { describe, expect, it } from 'vitest';
import { Options } from '../src/command-line.ts';
import { withKeyBytes } from '../src/luks/secrets.ts';
import type { Command } from '../src/verb.ts';
import { PLUGINS, Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();
const CRYPT = { package: '@interposer/target-crypt', version: '1.2.3', types: [crypt, cryptFilter] };

/** A folder with an image and a key of 64 bytes, and the command line over it. */
function setUp(): { bench: Workbench; folder: string; key: Buffer } {
  const folder = mkdtempSync(join(directory, 'key-'));
  makeImage(folder, 'disk.img', 64);
  const key = randomBytes(64);
  writeFileSync(join(folder, 'key'), key);
  return { bench: new Workbench(folder, [...PLUGINS, CRYPT]), folder, key };
}

const TABLE = '0 64 crypt aes-xts-plain64 :64:logon:disk:1 0 disk.img 0';

describe('a key of the ring', () => {
  it('opens a table and a filter that name it, until it is removed', async () => {
    const { bench, folder, key } = setUp();
    expect(await bench.ok('key', 'add', 'logon:disk:1', '--key-file', 'key')).toBe('');
    await bench.ok('create', 'secret', '--table', TABLE);
    writeFileSync(join(folder, 'plain'), 'plaintext'.repeat(1000));
    await bench.ok('dd', 'if=plain', 'of=secret', 'bs=512', 'conv=fsync');
    await bench.ok('remove', 'secret');
    // The same as with the key in the table.
    await bench.ok('create', 'again', '--table', TABLE.replace(':64:logon:disk:1', key.toString('hex')));
    expect(await bench.ok('dd', 'if=again', 'bs=9', 'count=1000')).toBe('plaintext'.repeat(1000));
    await bench.ok('remove', 'again');
    await bench.ok('create', 'below', '--table', '0 64 linear disk.img 0');
    await bench.ok('filter', 'attach', 'below', 'crypt aes-xts-plain64 :64:logon:disk:1 0');
    expect(await bench.ok('dd', 'if=below', 'bs=9', 'count=1000')).toBe('plaintext'.repeat(1000));
    await bench.ok('key', 'remove', 'logon:disk:1');
    // Who has it keeps it.
    expect(await bench.ok('dd', 'if=below', 'bs=9', 'count=1')).toBe('plaintext');
    const refused = await bench.run(['create', 'secret', '--table', TABLE]);
    expect(refused.stderr).toContain('ENOKEY: ');
    expect(await bench.run(['key', 'remove', 'logon:disk:1'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'interposer: ENOKEY: there is no key logon:disk:1 in the key ring\n',
    });
  });

  it('is listed by name and size only', async () => {
    const { bench, key } = setUp();
    expect(await bench.ok('key', 'ls')).toBe('No keys found\n');
    await bench.ok('key', 'add', 'logon:disk:1', '--key-file', 'key');
    await bench.ok('key', 'add', 'user:part', '--key-file', 'key', '--keyfile-offset=8', '--keyfile-size=32');
    const text = await bench.ok('key', 'ls');
    expect(text.replace(/ +/g, ' ')).toBe('KEY BYTES\nlogon:disk:1 64\nuser:part 32\n');
    const json = await bench.ok('key', 'ls', '--json');
    expect(JSON.parse(json)).toEqual([
      { type: 'logon', name: 'disk:1', size: 64 },
      { type: 'user', name: 'part', size: 32 },
    ]);
    for (const form of ['hex', 'base64', 'latin1'] as const) {
      expect(text + json).not.toContain(key.subarray(8, 40).toString(form));
    }
  });

  it('comes from standard input and in hexadecimal, too', async () => {
    const { bench, folder, key } = setUp();
    const digits = key.toString('hex');
    const texts = [
      digits,
      `${digits.toUpperCase()}\n`,
      digits.replace(/(.{32})/g, '\t$1 \r\n'),
      ` ${digits}`,
    ];
    await bench.ok('key', 'add', 'user:raw', '--key-file', 'key');
    const wanted = await ciphertext(bench, folder, 'raw');
    for (const [index, stdin] of texts.entries()) {
      const added = await bench.run(['key', 'add', `user:${String(index)}`, '--key-file=-', '--hex'], {
        stdin,
      });
      expect(added).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(await ciphertext(bench, folder, String(index))).toBe(wanted);
    }
  });

  it.each(['', 'abc', 'zz', '0g', 'a b c', '0x00', 'é0', '`0', '@0', ':0', '/0', 'a'.repeat(70_000)])(
    'is refused where it is not hexadecimal: %.9j',
    async (stdin) => {
      const { bench } = setUp();
      const { code, stdout, stderr } = await bench.run(['key', 'add', 'user:k', '--key-file', '-', '--hex'], {
        stdin,
      });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^interposer: EINVAL: /);
      if (stdin.length > 2) expect(stderr).not.toContain(stdin);
      expect(await bench.ok('key', 'ls')).toBe('No keys found\n');
    },
  );

  it.each(['disk', 'logon', 'logon:', ':x', 'big_key:x', '', 'user:two words'])(
    'must have a name, not "%s"',
    async (name) => {
      const { bench } = setUp();
      for (const verb of ['add', 'remove']) {
        const options = verb === 'add' ? ['--key-file', 'key'] : [];
        const { code, stderr } = await bench.run(['key', verb, name, ...options]);
        expect(code).toBe(1);
        expect(stderr).toMatch(/^interposer: (EINVAL|ENOKEY): /);
      }
      expect(await bench.ok('key', 'ls')).toBe('No keys found\n');
    },
  );

  it('is no word of the command line', async () => {
    const { bench, key } = setUp();
    const hex = key.toString('hex');
    for (const args of [['logon:k', hex], [`logon:k:${hex}`], [hex], ['logon:k', '--key-file', hex]]) {
      const { code, stderr } = await bench.run(['key', 'add', ...args]);
      expect(code).toBe(1);
      // The name of a file that is not there is told: it is no key.
      if (!args.includes('--key-file')) expect(stderr).not.toContain(hex);
    }
  });
});

/** A digest of what the key makes of nothing. */
async function ciphertext(bench: Workbench, folder: string, name: string): Promise<string> {
  writeFileSync(join(folder, 'zeroes'), Buffer.alloc(4096));
  await bench.ok('create', 'x', '--table', `0 64 crypt aes-xts-plain64 :64:user:${name} 0 disk.img 0`);
  await bench.ok('dd', 'if=zeroes', 'of=x', 'bs=4096', 'conv=fsync');
  await bench.ok('remove', 'x');
  return createHash('sha256')
    .update(readFileSync(join(folder, 'disk.img')))
    .digest('hex');
}

describe('the key of a filter', () => {
  it('is listed with --showkeys only', async () => {
    const { bench, key } = setUp();
    const hex = key.toString('hex');
    await bench.ok('filter', 'rule', 'add', 'later', `crypt aes-xts-plain64 ${hex} 0`);
    await bench.ok('create', 'm', '--table', '0 64 linear disk.img 0');
    const printed = [
      await bench.ok('filter', 'attach', 'm', `crypt aes-xts-plain64 ${hex} 0`, '--json'),
      await bench.ok('filter', 'swap', 'm', 'crypt', `crypt aes-xts-plain64 ${hex} 8`, '--json'),
    ];
    for (const verb of [
      ['filter', 'ls'],
      ['filter', 'status'],
      ['explain', 'm'],
      ['filter', 'rule', 'ls'],
    ]) {
      printed.push(await bench.ok(...verb), await bench.ok(...verb, '--json'));
    }
    expect(printed.join('')).not.toContain(hex.slice(0, 32));
    expect(await bench.ok('filter', 'ls', 'm', '--showkeys')).toContain(hex);
    expect(await bench.ok('filter', 'rule', 'ls', '--showkeys')).toContain(hex);
  });

  it('of a stack file is compared as it is, and shown nowhere', async () => {
    const { bench, folder, key } = setUp();
    const hex = key.toString('hex');
    const stack = (digits: string): string =>
      `version: 1\ndevices:\n  m: { table: 0 64 linear disk.img 0 }\nfilters:\n  m: [crypt aes-xts-plain64 ${digits} 0]\n` +
      `rules:\n  - { pattern: later, filter: crypt aes-xts-plain64 ${digits} 0 }\n`;
    writeFileSync(join(folder, 's.yaml'), stack(hex));
    await bench.ok('up', 's.yaml');
    expect(await bench.ok('status', '--stack', 's.yaml')).not.toContain('differs');
    writeFileSync(join(folder, 's.yaml'), stack(hex.toUpperCase()).replace(/rules:[^]*/, ''));
    expect((await bench.run(['status', '--stack', 's.yaml'])).code).toBe(0);
    writeFileSync(join(folder, 's.yaml'), stack(randomBytes(64).toString('hex')));
    const { code, stdout, stderr } = await bench.run(['status', '--stack', 's.yaml']);
    expect(code).toBe(1);
    expect(stdout).toContain('differs');
    expect(stdout + stderr).not.toContain(hex.slice(0, 32));
  });
});

describe('a key that is typed', () => {
  it.each([
    ['00ff10\r', '00ff10'],
    [' 00 Ff\t10 \r', '00ff10'],
    ['00f\r', undefined],
    ['secret\r', undefined],
  ])('is in hexadecimal: %j', async (typed, wanted) => {
    let shown = '';
    const stdin = {
      isTTY: true,
      setRawMode: () => undefined,
      async *[Symbol.asyncIterator]() {
        yield Buffer.from(typed);
      },
    };
    const around = { stdin, stderr: { write: (text: string) => (shown += text) } };
    const command = { operands: ['user:k'], options: new Options(), around } as unknown as Command;
    let kept: Buffer | undefined;
    const given = withKeyBytes(command, async (key) => {
      kept = key;
      return key.toString('hex');
    });
    if (wanted === undefined) await expect(given).rejects.toMatchObject({ code: 'EINVAL' });
    else expect(await given).toBe(wanted);
    expect(shown).toBe('Key user:k in hexadecimal: \n');
    // It is wiped afterwards.
    expect(kept?.every((byte) => byte === 0) ?? true).toBe(true);
  });
});
