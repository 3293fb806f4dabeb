import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { keySizes, openSectorCipher, parseCipherSpec } from '../src/index.ts';
import { ENGINES, errorOf, testKey } from './engines.ts';
import { encryptByDefinition, lrwByDefinition, plain64, type ReferenceCase } from './reference.ts';

const random = new Random(7);
const NOISE = Uint8Array.from({ length: 300_000 }, () => random.below(256));

/** Other bytes each time, but for very long ones. */
function randomBytes(size: number): Uint8Array {
  const start = random.below(NOISE.length - size);
  return NOISE.slice(start, start + size);
}

const REFERENCES = [
  ['aes', 16],
  ['aes', 24],
  ['aes', 32],
  ['camellia', 32],
  ['aria', 24],
  ['sm4', 16],
  ['des3_ede', 24],
] as const;
const MODES = ['cbc', 'ctr', 'ecb', 'xts'] as const;

const referenceCases = REFERENCES.flatMap(([cipher, keySize]) =>
  MODES.map((mode) => ({ cipher, keySize, mode })).filter(
    // OpenSSL has no CTR of DES to compare with, and XTS is for blocks of 16 bytes.
    (some) => cipher !== 'des3_ede' || some.mode === 'cbc' || some.mode === 'ecb',
  ),
);

function opensslName(cipher: string, keySize: number): string {
  if (cipher === 'sm4') return 'sm4';
  return cipher === 'des3_ede' ? 'des-ede3' : `${cipher}-${keySize * 8}`;
}

describe.each(ENGINES)('%s: what the definitions say', (engine) => {
  it.each(referenceCases)('$cipher $mode, a key of $keySize', ({ cipher, keySize, mode }) => {
    const key = testKey(mode === 'xts' ? keySize * 2 : keySize);
    const spec = parseCipherSpec(`${cipher}-${mode}-plain64`);
    for (const sectorSize of [512, 4096]) {
      const reference: ReferenceCase = { algorithm: opensslName(cipher, keySize), mode, key, sectorSize };
      const data = randomBytes(sectorSize * 3);
      const opened = openSectorCipher(spec, key, { engine, sectorSize, ivOffset: 2 ** 33 });
      const to = new Uint8Array(data.length);
      opened.encrypt(data, 0, to, 0, data.length, 16);
      const wanted = encryptByDefinition(reference, data, (index) =>
        plain64(2 ** 33 + 16 + (index * sectorSize) / 512, spec.ivSize || 16),
      );
      expect(Buffer.compare(to, wanted)).toBe(0);
      opened.wipe();
    }
  });
});

describe.each(ENGINES)('%s: LRW', (engine) => {
  // Benbi counts 32 blocks per sector from 1 on: these are where the count outgrows a word.
  it.each([0, 2 ** 27 - 1, 2 ** 28 - 2, 2 ** 52])('from sector %i on', (ivOffset) => {
    const key = testKey(32);
    const cipher = openSectorCipher(parseCipherSpec('aes-lrw-benbi'), key, { engine, ivOffset });
    const data = randomBytes(2048);
    const to = new Uint8Array(2048);
    cipher.encrypt(data, 0, to, 0, 2048, 0);
    expect(Buffer.compare(to, lrwByDefinition(key, BigInt(ivOffset) * 32n + 1n, data))).toBe(0);
    cipher.wipe();
  });
});

const SPECS = [
  'aes-xts-plain64',
  'aes-xts-essiv:sha256',
  'aes-cbc-essiv:sha256',
  'aes-cbc-eboiv',
  'aes-cbc-elephant',
  'aes-cbc-tcw',
  'aes-ctr-plain64be',
  'aes-ecb',
  'aes-lrw-benbi',
  'aes:2-xts-plain64',
  'aes:64-cbc-lmk',
  'camellia-xts-plain',
  'des3_ede-cbc-benbi',
  'des3_ede-ctr-plain64',
  'cipher_null-ecb',
];
/** Sectors, around the edges of what is worked on at a time. */
const COUNTS: Readonly<Record<number, readonly number[]>> = {
  512: [1, 2, 3, 127, 128, 129, 256, 257],
  1024: [1, 63, 65],
  4096: [1, 15, 16, 17],
};

describe.each(SPECS)('%s', (text) => {
  const spec = parseCipherSpec(text);
  const key = testKey(keySizes(spec).at(-1)!);
  const sizes = spec.iv === 'lmk' || spec.iv === 'tcw' ? [512] : [512, 1024, 4096];

  it.each(sizes)('sectors of %i bytes: the engines agree, at any place', (sectorSize) => {
    const ciphers = ENGINES.map((engine) => openSectorCipher(spec, key, { engine, sectorSize, ivOffset: 8 }));
    for (const count of COUNTS[sectorSize]!) {
      const bytes = count * sectorSize;
      const sector = random.below(1000) * 8;
      const [fromOffset, toOffset] = [random.below(20), random.below(20)];
      const from = randomBytes(bytes + 20);
      const kept = from.slice();
      const results = ciphers.map((cipher) => {
        const to = new Uint8Array(bytes + 20).fill(0xaa);
        cipher.encrypt(from, fromOffset, to, toOffset, bytes, sector);
        return to;
      });
      expect(Buffer.compare(from, kept)).toBe(0);
      const [first] = results as [Uint8Array];
      for (const [index, cipher] of ciphers.entries()) {
        const encrypted = results[index]!;
        expect(Buffer.compare(encrypted, first)).toBe(0);
        // Beside it nothing was touched.
        expect(encrypted.subarray(0, toOffset).every((byte) => byte === 0xaa)).toBe(true);
        expect(encrypted.subarray(toOffset + bytes).every((byte) => byte === 0xaa)).toBe(true);
        const back = new Uint8Array(bytes + 1);
        cipher.decrypt(encrypted, toOffset, back, 1, bytes, sector);
        expect(Buffer.compare(back.subarray(1), from.subarray(fromOffset, fromOffset + bytes))).toBe(0);
        // In place, both ways, and in two parts.
        const place = from.slice(fromOffset, fromOffset + bytes);
        const part = Math.floor(count / 2) * sectorSize;
        cipher.encrypt(place, part, place, part, bytes - part, sector + part / 512);
        cipher.encrypt(place, 0, place, 0, part, sector);
        expect(Buffer.compare(place, first.subarray(toOffset, toOffset + bytes))).toBe(0);
        cipher.decrypt(place, 0, place, 0, bytes, sector);
        expect(Buffer.compare(place, from.subarray(fromOffset, fromOffset + bytes))).toBe(0);
      }
    }
    for (const cipher of ciphers) cipher.wipe();
  });
});

describe.each(ENGINES)('%s', (engine) => {
  it('takes a key of XTS whose halves are equal, which OpenSSL does not', () => {
    const key = new Uint8Array(64).fill(9);
    const cipher = openSectorCipher(parseCipherSpec('aes-xts-plain64'), key, { engine });
    const data = randomBytes(1024);
    const to = new Uint8Array(1024);
    cipher.encrypt(data, 0, to, 0, 1024, 3);
    const reference: ReferenceCase = { algorithm: 'aes-256', mode: 'xts', key, sectorSize: 512 };
    expect(
      Buffer.compare(
        to,
        encryptByDefinition(reference, data, (index) => plain64(3 + index, 16)),
      ),
    ).toBe(0);
    cipher.wipe();
  });

  it('is not led astray by calls of the other direction between', () => {
    const cipher = openSectorCipher(parseCipherSpec('aes-cbc-plain64'), testKey(32), { engine });
    const other = openSectorCipher(parseCipherSpec('aes-cbc-plain64'), testKey(16), { engine });
    const data = randomBytes(2048);
    const [a, b, c] = [new Uint8Array(2048), new Uint8Array(2048), new Uint8Array(2048)];
    cipher.encrypt(data, 0, a, 0, 2048, 7);
    other.encrypt(data, 0, b, 0, 2048, 7);
    cipher.decrypt(a, 0, c, 0, 2048, 7);
    cipher.encrypt(data, 0, b, 0, 2048, 7);
    expect(Buffer.compare(a, b)).toBe(0);
    expect(Buffer.compare(c, data)).toBe(0);
    for (const some of [cipher, other]) some.wipe();
  });

  it('works on shared memory, views and buffers of a pool', () => {
    const cipher = openSectorCipher(parseCipherSpec('aes-xts-plain64'), testKey(64), { engine });
    const shared = new Uint8Array(new SharedArrayBuffer(2048), 3, 1024);
    const pooled = Buffer.from('x'.repeat(1024));
    cipher.encrypt(pooled, 0, shared, 0, 1024, 0);
    cipher.decrypt(shared, 0, shared, 0, 1024, 0);
    expect(Buffer.compare(pooled, Buffer.from(shared))).toBe(0);
    cipher.wipe();
  });

  it('refuses what does not fit the buffers or the sectors', () => {
    const cipher = openSectorCipher(parseCipherSpec('aes-xts-plain64'), testKey(64), {
      engine,
      sectorSize: 4096,
    });
    const data = new Uint8Array(8192);
    const call = (fromOffset: number, toOffset: number, bytes: number, sector: number) => () =>
      cipher.encrypt(data, fromOffset, data, toOffset, bytes, sector);
    for (const wrong of [
      call(0, 0, 512, 0),
      call(0, 0, 12288, 0),
      call(4097, 4097, 4096, 0),
      call(0, 4097, 4096, 0),
      call(-1, 0, 4096, 0),
      call(0, -1, 4096, 0),
      call(0, 0.5, 4096, 0),
      call(0, 0, -4096, 0),
      call(NaN, 0, 4096, 0),
      call(0, 0, NaN, 0),
      call(0, 0, 4096, 4),
      call(0, 0, 4096, -8),
      call(0, 0, 4096, 2 ** 53),
    ]) {
      expect(errorOf(wrong).code).toBe('EINVAL');
    }
    expect(data.every((byte) => byte === 0)).toBe(true);
    call(0, 0, 0, 0)();
    structuredClone(data.buffer, { transfer: [data.buffer] });
    expect(errorOf(call(0, 0, 4096, 0)).code).toBe('EINVAL');
    cipher.wipe();
  });

  it('forgets its key', () => {
    const key = testKey(64);
    const kept = key.slice();
    const cipher = openSectorCipher(parseCipherSpec('aes-xts-plain64'), key, { engine });
    expect(key).toEqual(kept);
    cipher.wipe();
    cipher.wipe();
    const data = new Uint8Array(512);
    for (const verb of ['encrypt', 'decrypt'] as const) {
      const { code, message } = errorOf(() => cipher[verb](data, 0, data, 0, 512, 0));
      expect([code, message]).toEqual(['EINVAL', 'the key of aes-xts-plain64 was wiped']);
    }
  });
});
