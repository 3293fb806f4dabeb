import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { backupHeader, openImageFile, readLuks, restoreHeader } from '../src/index.ts';
import {
  CHEAP_PBKDF2,
  cryptsetupDump,
  emptyFile,
  keyFile,
  MIB,
  openVolume,
  PASSPHRASE,
  run,
} from './support/peer-programs.ts';

const ARGON2 = (type: string): string[] => [
  ...['--pbkdf', type, '--pbkdf-force-iterations', '4'],
  ...['--pbkdf-memory', '1024', '--pbkdf-parallel', '2'],
];

/** What cryptsetup is asked for, and what must be read. */
const CRYPTSETUP: readonly (readonly [name: string, args: readonly string[], data: object])[] = [
  [
    'LUKS1',
    ['--type', 'luks1', '--pbkdf-force-iterations', '1000'],
    { cipher: 'aes-xts-plain64', offset: 2 * MIB },
  ],
  [
    'LUKS1 with aes-cbc-essiv and sha1',
    [
      '--type',
      'luks1',
      '-c',
      'aes-cbc-essiv:sha256',
      '-s',
      '256',
      '-h',
      'sha1',
      '--pbkdf-force-iterations',
      '1000',
    ],
    { cipher: 'aes-cbc-essiv:sha256', keyBytes: 32 },
  ],
  [
    'LUKS1 with aes-cbc-plain, 128 bits and ripemd160',
    [
      '--type',
      'luks1',
      '-c',
      'aes-cbc-plain',
      '-s',
      '128',
      '-h',
      'ripemd160',
      '--pbkdf-force-iterations',
      '1000',
    ],
    { cipher: 'aes-cbc-plain', keyBytes: 16 },
  ],
  ['LUKS2 with pbkdf2', CHEAP_PBKDF2, { cipher: 'aes-xts-plain64', sectorSize: 4096, offset: 16 * MIB }],
  ['LUKS2 with argon2i', ARGON2('argon2i'), { cipher: 'aes-xts-plain64' }],
  ['LUKS2 with argon2id', ARGON2('argon2id'), { cipher: 'aes-xts-plain64' }],
  ['LUKS2 with sectors of 512', ['--sector-size', '512', ...CHEAP_PBKDF2], { sectorSize: 512 }],
  ['LUKS2 with sectors of 2048', ['--sector-size', '2048', ...CHEAP_PBKDF2], { sectorSize: 2048 }],
  [
    'LUKS2 with aes-cbc-essiv, sha512, label and flags',
    [
      ...[
        '-c',
        'aes-cbc-essiv:sha256',
        '-s',
        '256',
        '-h',
        'sha512',
        '--label',
        'my label',
        '--subsystem',
        'sub',
      ],
      ...CHEAP_PBKDF2,
    ],
    { cipher: 'aes-cbc-essiv:sha256', keyBytes: 32 },
  ],
  [
    'LUKS2 with another place and header size',
    ['--offset', '8192', '--luks2-metadata-size', '64k', '--luks2-keyslots-size', '1m', ...CHEAP_PBKDF2],
    { offset: 4 * MIB },
  ],
];

describe.skipIf(!peer('cryptsetup'))('an image of cryptsetup', () => {
  it.each(CRYPTSETUP)('%s opens, with its key only', async (_name, args, expected) => {
    const folder = await temporaryFolder();
    const path = emptyFile(folder, 'disk.img', 20 * MIB);
    const key = keyFile(folder, PASSPHRASE);
    await run('cryptsetup', 'luksFormat', '-q', ...args, path, key);
    const volume = await openVolume(path);
    expect(volume.damage).toBeUndefined();
    expect(volume.data()).toMatchObject(expected);
    expect(volume.dump()).toBe(await cryptsetupDump(path));
    const master = join(folder, 'master');
    const dumped = ['luksDump', '-q', '--dump-master-key', '--key-file', key, '--master-key-file', master];
    await run('cryptsetup', ...dumped, path);
    const { volumeKey, slot } = await volume.unlock({ passphrase: PASSPHRASE });
    expect(volumeKey).toEqual(readFileSync(master));
    expect(slot).toBe(0);
    await expect(volume.unlock({ passphrase: Buffer.from('wrong') })).rejects.toMatchObject({
      code: 'EACCES',
      message: 'no key slot opens with this passphrase',
    });
    expect((await volume.unlock({ volumeKey })).volumeKey).toEqual(volumeKey);
    volumeKey[0]! ^= 1;
    await expect(volume.unlock({ volumeKey })).rejects.toMatchObject({ code: 'EACCES' });
  });

  it.each([['luks1'], ['luks2']])('of %s opens with a detached header', async (type) => {
    const folder = await temporaryFolder();
    const path = emptyFile(folder, 'disk.img', 20 * MIB);
    const header = emptyFile(folder, 'header.img', 16 * MIB);
    const cost = type === 'luks1' ? ['--pbkdf-force-iterations', '1000'] : CHEAP_PBKDF2;
    const key = keyFile(folder, PASSPHRASE);
    await run('cryptsetup', 'luksFormat', '-q', '--type', type, ...cost, '--header', header, path, key);
    const volume = await openVolume(header);
    expect(volume.data().offset).toBe(0);
    expect((await volume.unlock({ passphrase: PASSPHRASE })).slot).toBe(0);
  });

  it('with priorities and several slots opens in their order', async () => {
    const folder = await temporaryFolder();
    const path = emptyFile(folder, 'disk.img', 20 * MIB);
    const key = keyFile(folder, PASSPHRASE);
    const other = keyFile(folder, 'other', 'other');
    await run('cryptsetup', 'luksFormat', '-q', ...CHEAP_PBKDF2, path, key);
    await run('cryptsetup', 'luksAddKey', '-q', ...CHEAP_PBKDF2, '-d', key, path, other);
    // The same passphrase again, to see which of its slots is taken.
    await run('cryptsetup', 'luksAddKey', '-q', ...CHEAP_PBKDF2, '-d', key, '-S', '7', path, key);
    expect((await (await openVolume(path)).unlock({ passphrase: PASSPHRASE })).slot).toBe(0);
    await run('cryptsetup', 'config', '--key-slot', '7', '--priority', 'prefer', path);
    expect((await (await openVolume(path)).unlock({ passphrase: PASSPHRASE })).slot).toBe(7);
    expect((await (await openVolume(path)).unlock({ passphrase: Buffer.from('other') })).slot).toBe(1);
    await run('cryptsetup', 'config', '--key-slot', '1', '--priority', 'ignore', path);
    const volume = await openVolume(path);
    await expect(volume.unlock({ passphrase: Buffer.from('other') })).rejects.toMatchObject({
      code: 'EACCES',
    });
    expect((await volume.unlock({ passphrase: Buffer.from('other') }, { slot: 1 })).slot).toBe(1);
    expect(volume.slots.map(({ slot, priority }) => [slot, priority])).toEqual([
      [0, 'normal'],
      [1, 'ignore'],
      [7, 'prefer'],
    ]);
  });

  it('that is being reencrypted is shown, and neither opened nor changed', async () => {
    const folder = await temporaryFolder();
    const path = emptyFile(folder, 'disk.img', 20 * MIB);
    const key = keyFile(folder, PASSPHRASE);
    await run('cryptsetup', 'luksFormat', '-q', ...CHEAP_PBKDF2, path, key);
    const { volumeKey } = await (await openVolume(path)).unlock({ passphrase: PASSPHRASE });
    await run('cryptsetup', 'reencrypt', '-q', '--init-only', ...CHEAP_PBKDF2, '--key-file', key, path);
    const before = readFileSync(path);
    const image = await openImageFile(path, 'write');
    later(() => image.close());
    const volume = await readLuks(image);
    expect(volume.dump()).toBe(await cryptsetupDump(path));
    const problem = { code: 'ENOTSUP', message: expect.stringContaining('being reencrypted') };
    expect(() => volume.data()).toThrow(/being reencrypted/);
    await expect(volume.unlock({ passphrase: PASSPHRASE })).rejects.toMatchObject(problem);
    await expect(volume.unlock({ volumeKey })).rejects.toMatchObject(problem);
    await expect(volume.addKey(volumeKey, PASSPHRASE)).rejects.toMatchObject(problem);
    await expect(volume.changeKey(PASSPHRASE, PASSPHRASE)).rejects.toMatchObject(problem);
    await expect(volume.removeKey(0, { last: true })).rejects.toMatchObject(problem);
    await expect(restoreHeader(image, await backupHeader(image))).rejects.toMatchObject(problem);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('with tokens, flags and a slot of another key is shown', async () => {
    const folder = await temporaryFolder();
    const path = emptyFile(folder, 'disk.img', 20 * MIB);
    const key = keyFile(folder, PASSPHRASE);
    await run('cryptsetup', 'luksFormat', '-q', ...CHEAP_PBKDF2, path, key);
    const token = { type: 'mine', keyslots: ['0'], note: { deep: [1] } };
    await run(
      'cryptsetup',
      'token',
      'import',
      '--json-file',
      keyFile(folder, JSON.stringify(token), 'token'),
      path,
    );
    await run('cryptsetup', 'token', 'add', '--key-description', 'me', '--key-slot', '0', path);
    await run(
      'cryptsetup',
      'luksAddKey',
      '-q',
      ...CHEAP_PBKDF2,
      '--unbound',
      '-s',
      '512',
      '-S',
      '3',
      path,
      key,
    );
    const volume = await openVolume(path, 'write');
    expect(volume.dump()).toBe(await cryptsetupDump(path));
    expect(volume.tokens).toEqual([
      { token: 0, type: 'mine', slots: [0], data: { note: { deep: [1] } } },
      { token: 1, type: 'luks2-keyring', slots: [0], data: { key_description: 'me' } },
    ]);
    expect(volume.slots.map(({ slot, opensData }) => [slot, opensData])).toEqual([
      [0, true],
      [3, false],
    ]);
    await expect(volume.unlock({ passphrase: PASSPHRASE }, { slot: 3 })).rejects.toMatchObject({
      code: 'ENOTSUP',
    });
    await volume.removeKey(3);
    await volume.removeKey(0, { last: true });
    expect(await run('cryptsetup', 'luksDump', '--dump-json-metadata', path).then(JSON.parse)).toMatchObject({
      keyslots: {},
      tokens: { '0': { ...token, keyslots: [] } },
      digests: { '0': { keyslots: [], segments: ['0'] } },
    });
  });
});
