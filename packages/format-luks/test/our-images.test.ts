import { createCipheriv, createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { formatLuks, type FormatOptions, type LuksVolume, openImageFile } from '../src/index.ts';
import {
  CHEAP_PBKDF2,
  cryptsetupDump,
  emptyFile,
  exitCode,
  keyFile,
  makeWithQemu,
  MIB,
  openVolume,
  PASSPHRASE,
  run,
} from './support/peer-programs.ts';

const OURS: readonly (readonly [name: string, options: Partial<FormatOptions>])[] = [
  ['LUKS1', { version: 1, kdf: { type: 'pbkdf2', hash: 'sha256', iterations: 1000 } }],
  [
    'LUKS1 with aes-cbc-essiv and sha512',
    {
      version: 1,
      cipher: 'aes-cbc-essiv:sha256',
      hash: 'sha512',
      kdf: { type: 'pbkdf2', hash: 'sha512', iterations: 1000 },
    },
  ],
  ['LUKS2 with pbkdf2', { kdf: { type: 'pbkdf2', hash: 'sha512', iterations: 1000 } }],
  ['LUKS2 with argon2i', { kdf: { type: 'argon2i', time: 4, memory: 1024, cpus: 2 } }],
  [
    'LUKS2 with argon2id',
    { kdf: { type: 'argon2id', time: 4, memory: 1024, cpus: 2 }, label: 'ours', subsystem: 's' },
  ],
  [
    'LUKS2 with sectors of 512',
    { sectorSize: 512, kdf: { type: 'pbkdf2', hash: 'sha256', iterations: 1000 } },
  ],
  [
    'LUKS2 of other sizes',
    {
      headerBytes: 2 ** 17,
      keyslotsBytes: 2 ** 20,
      dataOffset: 2 ** 22,
      cipher: 'aes-cbc-essiv:sha256',
      keyBytes: 16,
      kdf: { type: 'pbkdf2', hash: 'sha256', iterations: 1000 },
    },
  ],
];

async function makeOurs(path: string, options: Partial<FormatOptions>): Promise<LuksVolume> {
  const image = await openImageFile(path, 'write');
  later(() => image.close());
  return formatLuks(image, { passphrase: PASSPHRASE, digestIterations: 1000, ...options });
}

describe.skipIf(!peer('cryptsetup'))('an image of ours', () => {
  it.each(OURS)('%s is what cryptsetup opens, dumps and changes', async (_name, options) => {
    const folder = await temporaryFolder();
    const path = emptyFile(folder, 'disk.img', 20 * MIB);
    const key = keyFile(folder, PASSPHRASE);
    const volume = await makeOurs(path, options);
    expect(volume.dump()).toBe(await cryptsetupDump(path));
    const test = ['open', '--test-passphrase', path, '--key-file'];
    await run('cryptsetup', ...test, key);
    expect(await exitCode('cryptsetup', ...test, keyFile(folder, 'wrong', 'wrong'))).toBe(2);
    // Its passphrases here, and ours there, after changes on both sides.
    const next = keyFile(folder, 'next', 'next');
    await run('cryptsetup', 'luksAddKey', '-q', ...CHEAP_PBKDF2, '-d', key, path, next);
    const changed = await openVolume(path, 'write');
    const { volumeKey, slot } = await changed.unlock({ passphrase: Buffer.from('next') });
    expect(slot).toBe(1);
    const kdf = { type: 'pbkdf2', hash: options.hash ?? 'sha256', iterations: 1000 } as const;
    expect(await changed.addKey(volumeKey, Buffer.from('third'), { kdf, slot: 6 })).toBe(6);
    await run('cryptsetup', ...test, keyFile(folder, 'third', 'third'));
    expect(await changed.changeKey(PASSPHRASE, Buffer.from('new'), { kdf })).toBe(
      volume.version === 1 ? 2 : 0,
    );
    await run('cryptsetup', ...test, keyFile(folder, 'new', 'new'));
    expect(await exitCode('cryptsetup', ...test, key)).toBe(2);
    await changed.removeKey(1);
    expect(await exitCode('cryptsetup', ...test, next)).toBe(2);
    expect(changed.dump()).toBe(await cryptsetupDump(path));
  });

  it.each([1, 2] as const)(
    'of version %i with a detached header is what cryptsetup opens',
    async (version) => {
      const folder = await temporaryFolder();
      const path = emptyFile(folder, 'disk.img', 8 * MIB);
      const header = emptyFile(folder, 'header.img', 4 * MIB);
      const kdf = { type: 'pbkdf2', hash: 'sha256', iterations: 1000 } as const;
      const volume = await makeOurs(header, { version, kdf, detached: { dataBytes: 8 * MIB } });
      expect(volume.data().offset).toBe(0);
      const key = keyFile(folder, PASSPHRASE);
      await run('cryptsetup', 'open', '--test-passphrase', '--header', header, path, '--key-file', key);
    },
  );
});

/** A disk whose sectors can be told apart. */
function pattern(bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 512) createHash('sha256').update(String(at)).digest().copy(data, at);
  return data;
}

describe.skipIf(!peer('qemu-img'))('qemu-img', () => {
  const secret = (key: string): string[] => ['--object', `secret,id=s,file=${key}`];

  it('makes an image that opens here', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'disk.img');
    const key = keyFile(folder, 'from qemu');
    const options = ['-f', 'luks', '-o', 'key-secret=s,iter-time=10'];
    await makeWithQemu('create', '-q', ...secret(key), ...options, path, '4M');
    const volume = await openVolume(path);
    expect([volume.version, volume.data().cipher]).toEqual([1, 'aes-xts-plain64']);
    expect((await volume.unlock({ passphrase: Buffer.from('from qemu') })).slot).toBe(0);
    await expect(volume.unlock({ passphrase: Buffer.from('other') })).rejects.toMatchObject({
      code: 'EACCES',
    });
  });

  it('reads what was encrypted with a volume key of ours', async () => {
    const folder = await temporaryFolder();
    const path = emptyFile(folder, 'disk.img', 3 * MIB);
    const key = keyFile(folder, 'for qemu');
    const kdf = { type: 'pbkdf2', hash: 'sha256', iterations: 1000 } as const;
    const image = await openImageFile(path, 'write');
    later(() => image.close());
    const volume = await formatLuks(image, { passphrase: Buffer.from('for qemu'), version: 1, kdf });
    const { volumeKey } = await volume.unlock({ passphrase: Buffer.from('for qemu') });
    const plain = pattern(MIB);
    // Encrypted by OpenSSL alone, sector by sector.
    for (let at = 0; at < MIB; at += 512) {
      const iv = Buffer.alloc(16);
      iv.writeUInt32LE(at / 512);
      const sector = createCipheriv('aes-256-xts', volumeKey, iv).update(plain.subarray(at, at + 512));
      await image.write(volume.data().offset + at, sector);
    }
    const out = join(folder, 'plain.img');
    const source = `driver=luks,key-secret=s,file.driver=file,file.filename=${path}`;
    await run('qemu-img', 'convert', ...secret(key), '--image-opts', source, '-O', 'raw', out);
    expect(readFileSync(out).equals(plain)).toBe(true);
    const wrong = keyFile(folder, 'wrong', 'wrong');
    writeFileSync(wrong, 'no');
    expect(
      await exitCode('qemu-img', 'convert', ...secret(wrong), '--image-opts', source, '-O', 'raw', out),
    ).toBe(1);
  });
});
