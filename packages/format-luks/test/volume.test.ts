import { isInterposerError } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { backupHeader, formatLuks, memoryStorage, readLuks, restoreHeader } from '../src/index.ts';
import { encodeHeader, HEADER_BYTES, parseHeader } from '../src/luks1/header.ts';
import { CHEAP, FIRST, newVolume } from './support/volumes.ts';

const key = (text: string): Buffer => Buffer.from(text);

describe.each([1, 2] as const)('a volume of LUKS%i', (version) => {
  it('opens with its passphrase, its volume key, and nothing else', async () => {
    const { volume } = await newVolume(version);
    expect(volume.version).toBe(version);
    const { volumeKey, slot } = await volume.unlock({ passphrase: FIRST });
    expect([volumeKey.length, slot]).toEqual([16, 0]);
    expect(await volume.unlock({ volumeKey })).toEqual({ volumeKey });
    for (const passphrase of ['', 'firs', 'first\n', 'First']) {
      await expect(volume.unlock({ passphrase: key(passphrase) })).rejects.toMatchObject({ code: 'EACCES' });
    }
    for (const wrong of [Buffer.alloc(0), Buffer.alloc(16), volumeKey.subarray(1), Buffer.alloc(17)]) {
      await expect(volume.unlock({ volumeKey: wrong })).rejects.toMatchObject({ code: 'EACCES' });
    }
  });

  it('gets and loses key slots', async () => {
    const { volume, storage } = await newVolume(version);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    expect(await volume.addKey(volumeKey, key('second'), { kdf: CHEAP })).toBe(1);
    expect(await volume.addKey(volumeKey, key('fifth'), { kdf: CHEAP, slot: 5 })).toBe(5);
    expect(await volume.addKey(volumeKey, key('third'), { kdf: CHEAP })).toBe(2);
    const again = await readLuks(storage);
    for (const [passphrase, slot] of [
      ['first', 0],
      ['second', 1],
      ['third', 2],
      ['fifth', 5],
    ] as const) {
      expect((await again.unlock({ passphrase: key(passphrase) })).slot).toBe(slot);
      expect((await again.unlock({ passphrase: key(passphrase) }, { slot })).volumeKey).toEqual(volumeKey);
    }
    await expect(again.unlock({ passphrase: FIRST }, { slot: 1 })).rejects.toMatchObject({ code: 'EACCES' });
    await expect(again.unlock({ passphrase: FIRST }, { slot: 3 })).rejects.toMatchObject({ code: 'ENOENT' });
    await again.removeKey(0);
    await again.removeKey(5);
    expect(again.slots.map(({ slot }) => slot)).toEqual([1, 2]);
    await expect(again.unlock({ passphrase: FIRST })).rejects.toMatchObject({ code: 'EACCES' });
    await expect(again.removeKey(0)).rejects.toMatchObject({ code: 'ENOENT' });
    await again.removeKey(1);
    await expect(again.removeKey(2)).rejects.toMatchObject({ code: 'EBUSY' });
    await again.removeKey(2, { last: true });
    await expect(again.unlock({ passphrase: key('third') })).rejects.toMatchObject({ code: 'EACCES' });
    expect(await again.addKey(volumeKey, FIRST, { kdf: CHEAP })).toBe(0);
    expect((await again.unlock({ passphrase: FIRST })).volumeKey).toEqual(volumeKey);
  });

  it('keeps nothing of a key slot that was removed or changed', async () => {
    const { volume, buffer } = await newVolume(version);
    const before = Buffer.from(buffer);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    await volume.changeKey(FIRST, key('next'), { kdf: CHEAP });
    const [area] = version === 1 ? [4096] : [32_768];
    // The old material is noise now: with the old header in front of it nothing opens.
    expect(buffer.subarray(area, area + 64_000).equals(before.subarray(area, area + 64_000))).toBe(false);
    const back = Buffer.from(buffer);
    before.copy(back, 0, 0, version === 1 ? 4096 : 32_768);
    const old = await readLuks({ ...memoryStorage(back), bytes: 4 * 2 ** 20 });
    await expect(old.unlock({ passphrase: FIRST })).rejects.toMatchObject({ code: 'EACCES' });
    expect((await volume.unlock({ passphrase: key('next') })).volumeKey).toEqual(volumeKey);
  });

  it('refuses what cannot be', async () => {
    const { volume } = await newVolume(version);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    await expect(volume.addKey(volumeKey, FIRST, { kdf: CHEAP, slot: 0 })).rejects.toMatchObject({
      code: 'EEXIST',
    });
    await expect(volume.addKey(volumeKey, FIRST, { kdf: CHEAP, slot: 32 })).rejects.toMatchObject({
      code: 'EINVAL',
    });
    await expect(volume.addKey(Buffer.alloc(16), FIRST, { kdf: CHEAP })).rejects.toMatchObject({
      code: 'EACCES',
    });
    const few = { ...CHEAP, iterations: 999 };
    await expect(volume.addKey(volumeKey, FIRST, { kdf: few })).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(volume.changeKey(key('x'), FIRST, { kdf: CHEAP })).rejects.toMatchObject({ code: 'EACCES' });
    const limits = { iterations: 999 };
    await expect(volume.unlock({ passphrase: FIRST }, { limits })).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('tells which key slot could not be tried', async () => {
    const { volume, storage } = await newVolume(version);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    await volume.addKey(volumeKey, key('other'), { kdf: { ...CHEAP, iterations: 1001 } });
    const again = await readLuks(storage);
    const limits = { iterations: 1000 };
    expect((await again.unlock({ passphrase: FIRST }, { limits })).slot).toBe(0);
    await expect(again.unlock({ passphrase: key('other') }, { limits })).rejects.toMatchObject({
      code: 'EACCES',
      message: expect.stringMatching(/with this passphrase; key slot 1 was not tried: 1001 iterations/),
    });
  });

  it('is full at some time, and then cannot be changed either', async () => {
    const { volume } = await newVolume(version);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    const room = version === 1 ? 7 : 3;
    for (let slot = 1; slot <= room; slot++) {
      expect(await volume.addKey(volumeKey, key(String(slot)), { kdf: CHEAP })).toBe(slot);
    }
    await expect(volume.addKey(volumeKey, FIRST, { kdf: CHEAP })).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(volume.changeKey(FIRST, key('x'), { kdf: CHEAP })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await volume.unlock({ passphrase: FIRST })).slot).toBe(0);
  });

  it('is not changed if somebody else changed it', async () => {
    const { volume, storage } = await newVolume(version);
    const other = await readLuks(storage);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    await other.addKey(volumeKey, key('other'), { kdf: CHEAP });
    await expect(volume.addKey(volumeKey, key('x'), { kdf: CHEAP })).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(volume.changeKey(FIRST, key('x'), { kdf: CHEAP })).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(volume.removeKey(0, { last: true })).rejects.toMatchObject({ code: 'EBUSY' });
    expect((await readLuks(storage)).slots).toHaveLength(2);
  });

  it('comes back from a backup', async () => {
    const { volume, storage, buffer } = await newVolume(version);
    const backup = await backupHeader(storage);
    expect(backup.length).toBe(volume.headerBytes);
    await volume.changeKey(FIRST, key('next'), { kdf: CHEAP });
    const restored = await restoreHeader(storage, backup);
    expect((await restored.unlock({ passphrase: FIRST })).slot).toBe(0);
    expect(buffer.subarray(0, backup.length).equals(backup)).toBe(true);
    buffer.fill(0);
    await expect(restoreHeader(storage, backup)).rejects.toMatchObject({ code: 'EEXIST' });
    await restoreHeader(storage, backup, { force: true });
    expect((await (await readLuks(storage)).unlock({ passphrase: FIRST })).slot).toBe(0);
    const { storage: another } = await newVolume(version);
    await expect(restoreHeader(another, backup)).rejects.toThrow(/the backup is of/);
    await expect(restoreHeader(storage, Buffer.alloc(2 ** 20))).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(restoreHeader(storage, backup.subarray(0, 20_000))).rejects.toMatchObject({
      code: 'EINVAL',
    });
  });
});

describe('formatting', () => {
  it('leaves what is there, unless it is told not to', async () => {
    const { storage } = await newVolume(2);
    const options = { passphrase: FIRST, kdf: CHEAP, hash: 'sha1', version: 1 } as const;
    await expect(formatLuks(storage, options)).rejects.toMatchObject({ code: 'EEXIST' });
    expect((await readLuks(storage)).version).toBe(2);
  });

  const fixed = { passphrase: FIRST, kdf: CHEAP } as const;
  it.each([
    ['a cipher that is none', { ...fixed, cipher: 'rot13-xts-plain64' }, /EINVAL|ENOTSUP|ENOENT/],
    ['a cipher without mode', { ...fixed, cipher: 'aes' }, /ENOTSUP/],
    ['no cipher at all', { ...fixed, cipher: 'cipher_null-ecb' }, /ENOTSUP/],
    ['a key of an odd length', { ...fixed, keyBytes: 33 }, /EINVAL/],
    ['a volume key of an odd length', { ...fixed, volumeKey: Buffer.alloc(17) }, /EINVAL/],
    ['a hash that is none', { ...fixed, hash: 'sha0' }, /ENOTSUP/],
    ['a hash that is too short', { ...fixed, hash: 'md5' }, /EINVAL/],
    ['a UUID that is none', { ...fixed, uuid: 'x' }, /EINVAL/],
    ['a label that is too long', { ...fixed, keyslotsBytes: 2 ** 20, label: 'x'.repeat(48) }, /EINVAL/],
    ['odd sectors', { ...fixed, keyslotsBytes: 2 ** 20, sectorSize: 8192 }, /EINVAL/],
    ['an odd header size', { ...fixed, headerBytes: 20_000 }, /EINVAL/],
    ['data within the key slots', { ...fixed, keyslotsBytes: 2 ** 20, dataOffset: 2 ** 20 }, /EINVAL/],
    ['data at an odd place', { ...fixed, dataOffset: 2 ** 20 + 1 }, /EINVAL/],
    ['no room for a key slot', { ...fixed, keyslotsBytes: 4096 }, /EINVAL/],
    ['no room at all', { ...fixed, keyslotsBytes: 2 ** 22 }, /ENOSPC/],
    ['a few iterations', { ...fixed, kdf: { ...CHEAP, iterations: 10 } }, /EINVAL/],
    [
      'argon2 in LUKS1',
      { ...fixed, version: 1, kdf: { type: 'argon2id', time: 1, memory: 64, cpus: 1 } },
      /ENOTSUP/,
    ],
    [
      'data that begins where a detached header of LUKS1 has key slots',
      { ...fixed, hash: 'sha1', version: 1, dataOffset: 4096, detached: { dataBytes: 2 ** 24 } },
      /EINVAL/,
    ],
    [
      'data that begins where a detached header of LUKS2 has key slots',
      { ...fixed, dataOffset: 4096, detached: { dataBytes: 2 ** 24 } },
      /EINVAL/,
    ],
    ['sectors of 4096 in LUKS1', { ...fixed, hash: 'sha1', version: 1, sectorSize: 4096 }, /ENOTSUP/],
    ['a label in LUKS1', { ...fixed, hash: 'sha1', version: 1, label: 'x' }, /ENOTSUP/],
  ] as const)('with %s is refused before anything is written', async (_name, options, code) => {
    const storage = { ...memoryStorage(Buffer.alloc(8192)), bytes: 4 * 2 ** 20 };
    const guarded = { ...storage, write: () => Promise.reject(new Error('written')) };
    const error: unknown = await formatLuks(guarded, options).catch((thrown: unknown) => thrown);
    expect(isInterposerError(error) ? error.code : error).toMatch(code);
  });
});

describe('a header of LUKS1', () => {
  it('is encoded as it was read', async () => {
    const { buffer } = await newVolume(1);
    const bytes = buffer.subarray(0, HEADER_BYTES);
    expect(encodeHeader(parseHeader(bytes)).equals(bytes)).toBe(true);
  });

  it.each<readonly [string, RegExp, (bytes: Buffer) => unknown]>([
    ['a cipher that adds words to a table', /no cipher/, (b) => b.write('aes 0 b\0', 8)],
    ['a cipher without end', /not ended by a NUL/, (b) => b.fill('a', 8, 40)],
    ['a hash that is missing', /not in the OpenSSL/, (b) => b.write('whirlpoolx\0', 72)],
    ['a hash that is short', /too short/, (b) => b.write('md5\0', 72)],
    ['no key', /volume key of 0 bytes/, (b) => b.writeUInt32BE(0, 108)],
    ['a key that is too long', /volume key of/, (b) => b.writeUInt32BE(1 << 20, 108)],
    ['no digest iterations', /no iterations/, (b) => b.writeUInt32BE(0, 164)],
    ['a slot of another state', /state of key slot 3/, (b) => b.writeUInt32BE(1, 208 + 3 * 48)],
    ['a slot with few stripes', /1 stripes/, (b) => b.writeUInt32BE(1, 208 + 48 + 44)],
    ['slots that overlap', /overlaps/, (b) => b.writeUInt32BE(9, 208 + 48 + 40)],
    ['data within its key slots', /data begins/, (b) => b.writeUInt32BE(100, 104)],
    ['a slot in the header', /overlaps/, (b) => b.writeUInt32BE(1, 208 + 40)],
    ['a slot without iterations', /no iterations/, (b) => b.writeUInt32BE(0, 208 + 4)],
    ['a UUID that is no text', /no text/, (b) => b.fill(0x80, 168, 170)],
  ])('is refused with %s', async (_name, problem, change) => {
    const { buffer } = await newVolume(1);
    const bytes = Buffer.from(buffer.subarray(0, HEADER_BYTES));
    change(bytes);
    expect(() => parseHeader(bytes)).toThrow(problem);
  });
});

describe('a damaged header of LUKS2', () => {
  it('is written again with the next change', async () => {
    const { volume, storage, buffer } = await newVolume(2);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    buffer[5000]! ^= 1;
    const damaged = await readLuks(storage);
    expect(damaged.damage).toMatch(/first copy/);
    const sound = Buffer.from(buffer);
    await damaged.unlock({ passphrase: FIRST });
    expect(buffer.equals(sound)).toBe(true);
    await damaged.addKey(volumeKey, key('x'), { kdf: CHEAP });
    expect(damaged.damage).toBeUndefined();
    expect((await readLuks(storage)).damage).toBeUndefined();
  });

  it('is only changed after a repair where something else may have been written over it', async () => {
    const { volume, storage, buffer } = await newVolume(2);
    buffer.fill(0, 0, 4096);
    const damaged = await readLuks(storage);
    expect((await damaged.unlock({ passphrase: FIRST })).slot).toBe(0);
    await expect(damaged.changeKey(FIRST, key('x'), { kdf: CHEAP })).rejects.toThrow(
      /repair the header first/,
    );
    await damaged.repair();
    const repaired = await readLuks(storage);
    expect([repaired.damage, repaired.uuid]).toEqual([undefined, volume.uuid]);
    await repaired.changeKey(FIRST, key('x'), { kdf: CHEAP });
  });
});
