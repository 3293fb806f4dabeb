import { describe, expect, it } from 'vitest';
import { keySizes, openSectorCipher, parseCipherSpec } from '../src/index.ts';
import { errorOf, testKey } from './engines.ts';

describe('a cipher specification', () => {
  it.each([
    [
      'aes-xts-plain64',
      { cipher: 'aes', mode: 'xts', keyCount: 1, iv: 'plain64', blockSize: 16, ivSize: 16 },
    ],
    ['aes', { cipher: 'aes', mode: 'cbc', iv: 'plain' }],
    ['aes-plain', { cipher: 'aes', mode: 'cbc', iv: 'plain' }],
    ['aes-ecb', { mode: 'ecb', iv: undefined, ivSize: 0 }],
    ['aes-ecb-plain64', { mode: 'ecb', iv: undefined, ivSize: 0 }],
    ['aes:8-cbc-null', { keyCount: 8, iv: 'null' }],
    ['aes-cbc-essiv:sha256', { iv: 'essiv', ivHash: 'sha256' }],
    ['aes-cbc-essiv:sha3-256', { iv: 'essiv', ivHash: 'sha3-256' }],
    ['aes-cbc-plain:ignored', { iv: 'plain', ivHash: undefined }],
    ['aes-ctr-benbi', { mode: 'ctr', blockSize: 1, ivSize: 16 }],
    ['des3_ede-cbc-plain64', { blockSize: 8, ivSize: 8 }],
    ['cipher_null-ecb', { cipher: 'cipher_null', ivSize: 0, tagged: false }],
    ['capi:xts(aes)-plain64', { cipher: 'aes', mode: 'xts', iv: 'plain64', keyCount: 1 }],
    ['capi:cbc(aes)-essiv:sha256', { iv: 'essiv', ivHash: 'sha256' }],
    ['capi:essiv(cbc(aes),sha256)-plain64', { iv: 'plain64', ivHash: 'sha256' }],
    ['capi:cbc(aes)-lmk', { iv: 'lmk', keyCount: 64 }],
    ['capi:cbc-aes-aesni-plain64', { cipher: 'aes', mode: 'cbc', iv: 'plain64' }],
    ['aes-xts-random', { iv: 'random', tagged: true, mac: undefined }],
  ])('%s', (text, wanted) => {
    const spec = parseCipherSpec(text);
    expect(spec).toMatchObject({ text, ...wanted });
    expect(Object.isFrozen(spec)).toBe(true);
  });

  it.each([
    ['capi:gcm(aes)-random', { mode: 'gcm', ivSize: 12, tagged: true }],
    ['capi:rfc7539(chacha20,poly1305)-plain64', { mode: 'poly1305', cipher: 'chacha20', ivSize: 12 }],
    ['capi:authenc(hmac(sha256),xts(aes))-random', { mode: 'xts', mac: 'sha256', iv: 'random' }],
    ['capi:authenc(hmac(sha1),cbc(aes))-essiv:sha256', { mode: 'cbc', mac: 'sha1', ivHash: 'sha256' }],
  ])('%s, which authenticates', (text, wanted) => {
    expect(parseCipherSpec(text, { aead: true })).toMatchObject({ tagged: true, ...wanted });
    const { code, message } = errorOf(() => parseCipherSpec(text));
    expect([code, message]).toEqual(['ENOENT', expect.stringContaining('integrity:N:aead')]);
  });

  it.each([
    ['aes-xts', 'EINVAL', 'IV mechanism required'],
    ['capi:xts(aes)', 'EINVAL', 'IV mechanism required'],
    ['aes-xts-', 'EINVAL', 'Invalid IV mode'],
    ['aes-xts-nothing', 'EINVAL', 'Invalid IV mode'],
    ['aes-xts-PLAIN', 'EINVAL', 'Invalid IV mode'],
    ['xts(aes)-plain64', 'EINVAL', 'Bad cipher specification'],
    ['aes:3-cbc-plain64', 'EINVAL', 'Bad cipher key count specification'],
    ['aes:0-cbc-plain64', 'EINVAL', 'Bad cipher key count specification'],
    ['aes:-cbc-plain64', 'EINVAL', 'Bad cipher key count specification'],
    ['aes:2x-cbc-plain64', 'EINVAL', 'Bad cipher key count specification'],
    ['aes-cbc-essiv', 'EINVAL', 'Digest algorithm missing for ESSIV mode'],
    ['capi:cbc(aes)-essiv', 'EINVAL', 'Digest algorithm missing for ESSIV mode'],
    ['aes-cbc-essiv:sha512', 'ENOENT', 'Error allocating crypto tfm'],
    ['aes-ecb-essiv:sha256', 'ENOENT', 'Error allocating crypto tfm'],
    ['aes-cbc-essiv:nothing', 'ENOENT', 'Error allocating crypto tfm'],
    ['aes-cbc-essiv:wp256', 'ENOTSUP', 'wp256'],
    ['nothing-cbc-plain64', 'ENOENT', 'Error allocating crypto tfm'],
    ['constructor-cbc-plain64', 'ENOENT', 'Error allocating crypto tfm'],
    ['aes-nothing-plain64', 'ENOENT', 'Error allocating crypto tfm'],
    ['', 'ENOENT', 'Error allocating crypto tfm'],
    ['capi:', 'EINVAL', 'IV mechanism required', 'ENOENT'],
    ['capi:xts(aes-plain64', 'ENOENT', 'Error allocating crypto tfm'],
    ['capi:xts(aes))-plain64', 'ENOENT', 'Error allocating crypto tfm'],
    ['capi:xts(cbc(aes))-plain64', 'ENOENT', 'Error allocating crypto tfm'],
    ['des3_ede-xts-plain64', 'EINVAL', 'Error allocating crypto tfm'],
    ['aes-ctr-eboiv', 'EINVAL', 'Block size of EBOIV cipher'],
    ['serpent-xts-plain64', 'ENOTSUP', 'serpent (in serpent-xts-plain64)'],
    ['twofish-cbc-plain', 'ENOTSUP', 'twofish'],
    ['aes-pcbc-plain64', 'ENOTSUP', 'pcbc'],
    ['capi:adiantum(xchacha12,aes)-plain64', 'ENOTSUP', 'adiantum'],
  ])('%s is refused: %s', (text, code, message, orCode = code) => {
    const error = errorOf(() => parseCipherSpec(text));
    expect([code, orCode]).toContain(error.code);
    if (error.code === code) expect(error.message).toContain(message);
  });

  it.each([
    ['aes-xts-plain64', 'ENOENT', 'Bad cipher specification'],
    ['capi:xts(aes)-plain64', 'ENOENT', 'does not authenticate'],
    ['capi:gcm(camellia)-random', 'ENOTSUP', 'gcm of camellia'],
    ['capi:gcm(aes)-essiv:sha256', 'ENOENT', 'essiv around gcm'],
    ['capi:authenc(cmac(aes),xts(aes))-plain64', 'ENOTSUP', 'cmac'],
    ['capi:authenc(hmac(nothing),xts(aes))-plain64', 'ENOENT', 'nothing'],
    ['capi:authenc(hmac(sha256),xts(aes))-eboiv', 'EINVAL', 'AEAD transforms not supported for EBOIV'],
    ['capi:authenc(hmac(sha256),cbc(aes))-tcw', 'ENOTSUP', 'tcw'],
    ['capi:ccm(aes)-random', 'ENOTSUP', 'ccm'],
    ['capi:aegis128-random', 'ENOTSUP', 'aegis128'],
  ])('with integrity:N:aead %s is refused: %s', (text, code, message) => {
    const error = errorOf(() => parseCipherSpec(text, { aead: true }));
    expect([text.startsWith('capi:') ? code : 'EINVAL', error.message]).toEqual([
      error.code,
      expect.stringContaining(message),
    ]);
  });
});

describe('a key', () => {
  it.each([
    ['aes-xts-plain64', [32, 48, 64]],
    ['aes-cbc-plain64', [16, 24, 32]],
    ['aes-lrw-benbi', [32, 40, 48]],
    ['aes:4-cbc-plain64', [64, 96, 128]],
    ['aes:64-cbc-lmk', [1024, 1040, 1536, 1560, 2048, 2080]],
    ['aes-cbc-tcw', [48, 56, 64]],
    ['aes-cbc-elephant', [32, 48, 64]],
    ['sm4-xts-plain64', [32]],
    ['des3_ede-cbc-plain', [24]],
    ['cipher_null-ecb', [0]],
  ])('of %s has %j bytes', (text, sizes) => {
    const spec = parseCipherSpec(text);
    expect(keySizes(spec)).toEqual(sizes);
    for (const size of [0, 1, 15, 16, 31, 32, 33, 48, 63, 64, 65, 1041]) {
      const { code, message } = errorOf(() => openSectorCipher(spec, testKey(size)).wipe());
      if (sizes.includes(size)) expect(message).toBe('');
      else
        expect([code, message]).toEqual([
          'EINVAL',
          expect.stringContaining('Error decoding and setting key'),
        ]);
    }
  });

  it('of authenc has that of the MAC behind it', () => {
    const spec = parseCipherSpec('capi:authenc(hmac(sha256),xts(aes))-plain64', { aead: true });
    expect(keySizes(spec)).toEqual([64, 80, 96]);
    expect(keySizes(spec, { macKeySize: 16 })).toEqual([48, 64, 80]);
  });
});

describe('options', () => {
  const xts = parseCipherSpec('aes-xts-plain64');

  it.each([
    [{ sectorSize: 8192 }, 'Invalid feature value for sector_size'],
    [{ sectorSize: 513 }, 'Invalid feature value for sector_size'],
    [{ sectorSize: 256 }, 'Invalid feature value for sector_size'],
    [{ sectorSize: 4096, ivOffset: 4 }, 'Invalid iv_offset sector'],
    [{ ivOffset: -1 }, 'Invalid iv_offset sector'],
    [{ ivOffset: 2 ** 53 }, 'Invalid iv_offset sector'],
    [{ ivOffset: 0.5 }, 'Invalid iv_offset sector'],
  ])('%j are refused', (options, text) => {
    const { code, message } = errorOf(() => openSectorCipher(xts, testKey(64), options));
    expect([code, message]).toEqual(['EINVAL', expect.stringContaining(text)]);
  });

  it.each([
    ['aes:64-cbc-lmk', 1024, 'Unsupported sector size for LMK'],
    ['aes-cbc-tcw', 64, 'Unsupported sector size for TCW'],
  ])('%s has sectors of 512 bytes only', (text, keySize, wanted) => {
    const run = () => openSectorCipher(parseCipherSpec(text), testKey(keySize), { sectorSize: 4096 });
    expect(errorOf(run)).toEqual({ code: 'EINVAL', message: expect.stringContaining(wanted) as string });
  });

  it('says which function opens a spec with tags', () => {
    const run = () => openSectorCipher(parseCipherSpec('aes-xts-random'), testKey(64));
    expect(errorOf(run).message).toContain('openTaggedCipher');
  });
});
