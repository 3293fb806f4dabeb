import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openTaggedCipher, parseCipherSpec, type EngineName, type TaggedCipher } from '../src/index.ts';
import { clearSectors, ENGINES, errorOf, fromHex, sha256, testKey, toHex } from './engines.ts';

interface Recorded {
  readonly cipher: string;
  readonly key: string;
  readonly sectorSize: number;
  readonly ivOffset: number;
  readonly options: readonly string[];
  /** As in the table: bytes of the tuple, and `aead` or `none`. */
  readonly integrity: string;
  readonly sha256: string;
  readonly tuples: string;
  readonly sectors?: string;
}

const file = new URL('./vectors/tagged.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Recorded[] };
const FIRST = 16;
const clear = clearSectors(16);

function open(recorded: Recorded, engine: EngineName): TaggedCipher {
  const [tupleSize, profile] = recorded.integrity.split(':');
  const macKey = recorded.options.find((option) => option.startsWith('integrity_key_size:'));
  return openTaggedCipher(
    parseCipherSpec(recorded.cipher, { aead: profile === 'aead' }),
    fromHex(recorded.key),
    {
      engine,
      tupleSize: Number(tupleSize),
      sectorSize: recorded.sectorSize,
      ivOffset: recorded.ivOffset,
      ivLargeSectors: recorded.options.includes('iv_large_sectors'),
      macKeySize: macKey === undefined ? undefined : Number(macKey.split(':')[1]),
    },
  );
}

describe.each(ENGINES)('%s', (engine) => {
  it.each(cases)('$cipher $sectorSize $integrity: the bytes of the kernel', (recorded) => {
    const cipher = open(recorded, engine);
    const tuples = fromHex(recorded.tuples);
    if (recorded.sectors !== undefined) {
      // The IVs are in the tuples: it can be read, but not be written once more.
      const data = Uint8Array.from(Buffer.from(recorded.sectors, 'base64'));
      expect(cipher.decrypt(data, 0, data, 0, data.length, FIRST, tuples, 0)).toBe(-1);
      expect(Buffer.compare(data, clear.subarray(0, data.length))).toBe(0);
    } else {
      const encrypted = new Uint8Array(clear.length);
      const made = new Uint8Array(tuples.length);
      cipher.encrypt(clear, 0, encrypted, 0, clear.length, FIRST, made, 0);
      expect(sha256(encrypted)).toBe(recorded.sha256);
      expect(toHex(made)).toBe(recorded.tuples);
    }
    cipher.wipe();
  });

  it.each(cases)('$cipher $sectorSize $integrity: comes back, at odd places', (recorded) => {
    const cipher = open(recorded, engine);
    const { sectorSize, tupleSize } = cipher;
    const encrypted = new Uint8Array(clear.length + 7);
    const tuples = new Uint8Array((clear.length / sectorSize) * tupleSize + 3);
    const copy = clear.slice();
    cipher.encrypt(clear, 0, encrypted, 5, clear.length, FIRST, tuples, 3);
    expect(Buffer.compare(clear, copy)).toBe(0);
    const back = new Uint8Array(clear.length + 1);
    expect(cipher.decrypt(encrypted, 5, back, 1, clear.length, FIRST, tuples, 3)).toBe(-1);
    expect(Buffer.compare(back.subarray(1), clear)).toBe(0);
    cipher.wipe();
  });
});

describe.each(ENGINES)('%s: what was changed', (engine) => {
  const aead = cases.filter(({ integrity }) => integrity.endsWith('aead'));

  it.each(aead)('$cipher $sectorSize: each kind of change is found', (recorded) => {
    const cipher = open(recorded, engine);
    const { sectorSize, tupleSize } = cipher;
    const sectors = clear.length / sectorSize;
    const tuples = new Uint8Array(sectors * tupleSize);
    const encrypted = new Uint8Array(clear.length);
    cipher.encrypt(clear, 0, encrypted, 0, clear.length, FIRST, tuples, 0);
    const bad = FIRST + sectorSize / 512;
    const decrypt = (data: Uint8Array, tags: Uint8Array, sector: number): [number, Uint8Array] => {
      const back = new Uint8Array(clear.length);
      return [cipher.decrypt(data, 0, back, 0, data.length, sector, tags, 0), back];
    };
    for (const at of [sectorSize, sectorSize + 100, sectorSize * 2 - 1]) {
      const wrong = encrypted.slice();
      wrong[at]! ^= 1;
      const [found, back] = decrypt(wrong, tuples, FIRST);
      expect(found).toBe(bad);
      expect(Buffer.compare(back.subarray(0, sectorSize), clear.subarray(0, sectorSize))).toBe(0);
      expect(back.subarray(sectorSize).every((byte) => byte === 0)).toBe(true);
    }
    for (const at of [tupleSize, tupleSize * 2 - 1]) {
      const wrong = tuples.slice();
      wrong[at]! ^= 0x80;
      expect(decrypt(encrypted, wrong, FIRST)[0]).toBe(bad);
    }
    // Sectors in a place that is not theirs.
    expect(decrypt(encrypted, tuples, FIRST + 8)[0]).toBe(FIRST + 8);
    cipher.wipe();
  });

  it('random IVs are new each time', () => {
    const spec = parseCipherSpec('capi:gcm(aes)-random', { aead: true });
    const cipher = openTaggedCipher(spec, testKey(32), { tupleSize: 28, engine });
    const tuples = [new Uint8Array(28 * 16), new Uint8Array(28 * 16)] as const;
    const to = new Uint8Array(clear.length);
    for (const some of tuples) cipher.encrypt(clear, 0, to, 0, clear.length, 0, some, 0);
    const ivs = tuples.flatMap((some) =>
      Array.from({ length: 16 }, (_, at) => toHex(some.subarray(at * 28 + 16, at * 28 + 28))),
    );
    expect(new Set(ivs).size).toBe(32);
    cipher.wipe();
  });
});

describe('what does not fit', () => {
  const gcm = parseCipherSpec('capi:gcm(aes)-random', { aead: true });
  const authenc = parseCipherSpec('capi:authenc(hmac(sha256),xts(aes))-plain64', { aead: true });

  it.each([
    [
      'a tag of a size that GCM has not',
      () => openTaggedCipher(gcm, testKey(32), { tupleSize: 30 }),
      /tag size is not supported/,
    ],
    ['no room for the IV', () => openTaggedCipher(gcm, testKey(32), { tupleSize: 8 }), /Not enough space/],
    [
      'no tag at all',
      () => openTaggedCipher(gcm, testKey(32), { tupleSize: 12 }),
      /tag size is not supported/,
    ],
    [
      'more than the digest',
      () => openTaggedCipher(authenc, testKey(96), { tupleSize: 33 }),
      /tag size is not supported/,
    ],
    [
      'a key without that of the MAC',
      () => openTaggedCipher(authenc, testKey(65), { tupleSize: 32 }),
      /it takes 64, 80, 96/,
    ],
    [
      'no tuples',
      () => openTaggedCipher(parseCipherSpec('aes-xts-plain64'), testKey(64), { tupleSize: 16 }),
      /openSectorCipher/,
    ],
    [
      'room for more than the IV',
      () => openTaggedCipher(parseCipherSpec('aes-xts-random'), testKey(64), { tupleSize: 17 }),
      /Not enough space/,
    ],
  ])('%s: EINVAL', (_name, run, text) => {
    const { code, message } = errorOf(run);
    expect([code, message]).toEqual(['EINVAL', expect.stringMatching(text)]);
  });

  it('refuses tuples that are too short, and everything after the key was wiped', () => {
    const cipher = openTaggedCipher(gcm, testKey(32), { tupleSize: 28 });
    const data = new Uint8Array(1024);
    const call = (tuples: number) => () =>
      cipher.encrypt(data, 0, data, 0, 1024, 0, new Uint8Array(tuples), 0);
    expect(errorOf(call(55)).message).toMatch(/56 bytes of tuples/);
    expect(errorOf(call(56)).code).toBe('none');
    cipher.wipe();
    cipher.wipe();
    expect(errorOf(call(56)).message).toMatch(/wiped/);
  });
});
