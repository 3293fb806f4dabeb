import { fail, isInterposerError } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { backupHeader, cryptTable, formatLuks, type LuksStorage, readLuks } from '../src/index.ts';
import { deviceOf, DIGEST, edited, type Edits, makeCopy, SEGMENT } from './support/header.ts';
import { CHEAP, FIRST, newVolume } from './support/volumes.ts';

/** A device with two equal copies of metadata. */
function device(json: unknown, parts: { headerBytes?: number; sequence?: bigint } = {}): LuksStorage {
  return deviceOf(
    makeCopy({ role: 'primary', json, ...parts }),
    makeCopy({ role: 'secondary', json, ...parts }),
  );
}

describe('a header that was made to do harm', () => {
  it('does not keep the process busy with strings that do not end', async () => {
    const headerBytes = 2 ** 22;
    const json = `{"${'\\"'.repeat(headerBytes / 2 - 4096)}}`;
    await expect(readLuks(device(json, { headerBytes }))).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('cannot have a digest that is longer than any hash, for limits count its iterations only', async () => {
    const long = Buffer.alloc(65).toString('base64');
    await expect(readLuks(device(edited({ 'digests.0.digest': long })))).rejects.toThrow(/65 bytes long/);
  });

  it.each<readonly [string, Edits]>([
    ['a digest', { 'digests.0.keyslots': ['00', '1'] }],
    ['a segment', { 'digests.0.segments': ['00'] }],
    ['a token', { 'tokens.0.keyslots': ['01'] }],
  ])('cannot name an object in two spellings: in %s', async (_name, edits) => {
    await expect(readLuks(device(edited(edits)))).rejects.toThrow(/which is not there/);
  });

  it('that has no next sequence number is shown, and not changed', async () => {
    const storage = device(edited({}), { sequence: 2n ** 64n - 1n });
    const volume = await readLuks({ ...storage, write: () => Promise.reject(new Error('written')) });
    expect(volume.dump()).toContain('18446744073709551615');
    await expect(volume.removeKey(0)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('with numbers that JavaScript cannot hold is shown, and not changed', async () => {
    const text = JSON.stringify(edited({})).replace('"my-key"', '"my-key","count":9007199254740993');
    const storage = device(text);
    const volume = await readLuks({ ...storage, write: () => Promise.reject(new Error('written')) });
    expect(volume.tokens).toHaveLength(1);
    await expect(volume.removeKey(0)).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringContaining('9007199254740993'),
    });
  });

  it('sends no control characters to a terminal', async () => {
    const evil = '\u001b[2J\u009b31m\n\u007f';
    const edits = {
      'tokens.0.key_description': evil,
      'config.flags': [evil],
      'segments.0.flags': [evil],
      'keyslots.1': { ...(edited({}).keyslots as Record<string, object>)['1'], type: evil },
    };
    for (const more of [{}, { 'tokens.0.type': evil }, { 'config.requirements': { mandatory: [evil] } }]) {
      const volume = await readLuks(device(edited({ ...edits, ...more })));
      expect(volume.dump()).not.toMatch(/[^\x20-\x7e\n\t]/);
      expect(volume.dump()).toContain('\\u001b[2J\\u009b31m\\u000a\\u007f');
      const error: unknown = await volume
        .unlock({ passphrase: FIRST }, { slot: 1 })
        .catch((thrown: unknown) => thrown);
      expect(isInterposerError(error) && error.code).toBe('ENOTSUP');
      expect(String(error)).not.toMatch(/[^\x20-\x7e]/);
    }
  });

  it('cannot make a plain device of an encrypted one', async () => {
    for (const encryption of ['cipher_null-ecb', 'capi:ecb(cipher_null)-plain']) {
      const volume = await readLuks(device(edited({ 'segments.0.encryption': encryption })));
      expect(() => cryptTable(volume, Buffer.alloc(64), { device: 'x', sectors: 40_960 })).toThrow(
        /not encrypted/,
      );
    }
  });

  it('of LUKS1 cannot make a backup take all memory', async () => {
    const { buffer, storage } = await newVolume(1);
    buffer.writeUInt32BE(2 ** 32 - 1000, 208 + 7 * 48 + 40);
    const sparse = { ...storage, bytes: 2 ** 42, read: readingAtMost(storage, 2 ** 28) };
    await expect(backupHeader(sparse)).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

function readingAtMost({ read }: LuksStorage, most: number): LuksStorage['read'] {
  return (offset, length) => {
    if (length > most) throw new Error(`${String(length)} bytes at once`);
    return read(offset, length);
  };
}

describe('a volume key', () => {
  it.each([1, 2] as const)(
    'of LUKS%i has its length: with zeroes behind it, which HMAC does not see, it is refused',
    async (version) => {
      const { volume } = await newVolume(version);
      const { volumeKey } = await volume.unlock({ passphrase: FIRST });
      const longer = Buffer.concat([volumeKey, Buffer.alloc(16)]);
      await expect(volume.unlock({ volumeKey: longer })).rejects.toMatchObject({ code: 'EACCES' });
      await expect(volume.addKey(longer, FIRST, { kdf: CHEAP })).rejects.toMatchObject({ code: 'EACCES' });
    },
  );

  it('has a length that its cipher takes, too, where no key slot is left', async () => {
    const { volume } = await newVolume(2);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    await volume.removeKey(0, { last: true });
    const longer = Buffer.concat([volumeKey, Buffer.alloc(1)]);
    await expect(volume.unlock({ volumeKey: longer })).rejects.toMatchObject({ code: 'EACCES' });
    expect((await volume.unlock({ volumeKey })).volumeKey).toEqual(volumeKey);
  });
});

describe('a key slot', () => {
  it('that a digest of other data confirms does not open the data', async () => {
    const digests = {
      'digests.0.keyslots': ['0'],
      'digests.1': { ...DIGEST, keyslots: ['1'], segments: ['0'] },
    };
    const volume = await readLuks(device(edited(digests)));
    expect(volume.slots.map(({ opensData }) => opensData)).toEqual([true, false]);
    await expect(volume.unlock({ passphrase: FIRST }, { slot: 1 })).rejects.toMatchObject({
      code: 'ENOTSUP',
    });
  });

  it('of a volume in several segments is neither opened nor changed', async () => {
    const volume = await readLuks(
      device(
        edited({
          'segments.0.size': '4096',
          'segments.1': { ...SEGMENT, offset: String(2 ** 25) },
          'digests.0.segments': ['0', '1'],
        }),
      ),
    );
    await expect(volume.unlock({ passphrase: FIRST })).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(volume.removeKey(0)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('cannot have a number that is none', async () => {
    const { volume, buffer } = await newVolume(2);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    const before = Buffer.from(buffer);
    for (const slot of [-1, 1.5, NaN, 32]) {
      await expect(volume.addKey(volumeKey, FIRST, { kdf: CHEAP, slot })).rejects.toMatchObject({
        code: 'EINVAL',
        message: expect.stringContaining('0 to 31'),
      });
    }
    expect(buffer.equals(before)).toBe(true);
  });

  it.each<readonly [string, Edits]>([
    ['a salt', { 'keyslots.1.kdf.salt': Buffer.alloc(7).toString('base64') }],
    ['a key', { 'keyslots.1.area.key_size': 3 }],
  ])('with %s that is too short for argon2 is wrong, not short of memory', async (_name, edits) => {
    const volume = await readLuks(device(edited(edits)));
    await expect(volume.unlock({ passphrase: FIRST }, { slot: 1 })).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it.each<readonly [string, Edits]>([
    ['a cipher', { 'keyslots.1.area.encryption': 'nosuch-xts-plain64' }],
    ['no cipher at all', { 'keyslots.1.area.encryption': 'cipher_null-ecb' }],
    ['a splitter', { 'keyslots.1.af.hash': 'nosuch' }],
    ['a digest', { 'digests.0.hash': 'nosuch' }],
  ])('of %s that is not there costs no memory and no time', async (_name, edits) => {
    // What argon2 would refuse if it were asked first.
    const volume = await readLuks(device(edited({ ...edits, 'keyslots.1.kdf.memory': 2 ** 31 })));
    await expect(volume.unlock({ passphrase: FIRST }, { slot: 1 })).rejects.not.toThrow(/memory/);
  });
});

describe('a first sector that cannot be read', () => {
  const unreadable = (storage: LuksStorage): LuksStorage => ({
    ...storage,
    read: async (offset, length) => {
      if (offset < 4096) throw fail('EIO', 'the sector is bad');
      return storage.read(offset, length);
    },
  });

  it('does not keep the second copy of LUKS2 from opening', async () => {
    const { storage } = await newVolume(2);
    const volume = await readLuks(unreadable(storage));
    expect(volume.damage).toMatch(/the sector is bad/);
    expect((await volume.unlock({ passphrase: FIRST })).slot).toBe(0);
  });

  it('is the error where there is no second copy', async () => {
    const { storage } = await newVolume(1);
    await expect(readLuks(unreadable(storage))).rejects.toMatchObject({ code: 'EIO' });
  });
});

it('what was unsealed is overwritten, also where it turns out to be of no use', async () => {
  const { storage, buffer } = await newVolume(2);
  const text = buffer.toString('latin1', 4096, 16_384).replace(/\0.*/s, '');
  const json = JSON.parse(text) as { keyslots: Record<string, { af: { hash: string } }> };
  json.keyslots['0']!.af.hash = 'nosuch';
  makeCopy({ role: 'primary', json, sequence: 9n }).copy(buffer);
  const read: Buffer[] = [];
  const watched = {
    ...storage,
    read: async (offset: number, length: number) => {
      const data = await storage.read(offset, length);
      if (offset >= 32_768) read.push(data);
      return data;
    },
  };
  const volume = await readLuks(watched);
  await expect(volume.unlock({ passphrase: FIRST })).rejects.toMatchObject({ code: 'ENOTSUP' });
  expect(read.every((data) => data.every((byte) => byte === 0) || buffer.includes(data))).toBe(true);
});

it('formatting with a hash by a name of OpenSSL alone is refused, as no other program would read it', async () => {
  const { storage } = await newVolume(2);
  for (const hash of ['RSA-SHA256', 'sha256WithRSAEncryption', 'ssl3-sha1']) {
    const options = { passphrase: FIRST, hash, overwrite: true, keyslotsBytes: 2 ** 18 };
    await expect(formatLuks(storage, options)).rejects.toMatchObject({ code: 'ENOTSUP' });
  }
});
