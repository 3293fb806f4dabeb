import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openSectorCipher, parseCipherSpec, type CipherOptions } from '../src/index.ts';
import { namesOf } from '../../conformance/test/kernel/deviations.ts';
import { clearSectors, ENGINES, errorOf, fromHex, sha256, toHex } from './engines.ts';

/** What a kernel made of 64 sectors; see `about` in the file. */
interface Recorded {
  readonly cipher: string;
  readonly key: string;
  readonly ivOffset: number;
  readonly options: readonly string[];
  readonly first: string;
  readonly last: string;
  readonly sha256: string;
}

interface Refused {
  readonly cipher: string;
  readonly key: string;
  readonly reason: string;
}

const file = new URL('../../conformance/vectors/crypt-data.json', import.meta.url);
const { cases, refused } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: Recorded[];
  refused: Refused[];
};
/** Parts of names: of the kernel's own, which OpenSSL has not; and of what Linux has, but not the kernel that was asked. */
const MISSING = namesOf('crypt-data', 'left out');
const MORE = namesOf('crypt-data', 'taken');

function isOf(parts: readonly string[], cipher: string): boolean {
  return parts.some((part) => cipher.includes(part));
}

/** Algorithms that the kernel has not or cannot use there; whether it could is not asked before they are found missing here. */
const UNKNOWN =
  /^(?:anubis|arc4|blake2b-\d+|blowfish|cast5|cast6|des|serpent|twofish|cfb|chacha20|fcrypt|hctr2|khazad|michael_mic|ofb|rmd\d+|seed|streebog512|tea|tgr192|wp\d+|xeta|xtea) /;

function optionsOf({ ivOffset, options }: Recorded): CipherOptions {
  const size = options.find((option) => option.startsWith('sector_size:'));
  return {
    ivOffset,
    ivLargeSectors: options.includes('iv_large_sectors'),
    sectorSize: size === undefined ? 512 : Number(size.split(':')[1]),
  };
}

const served = cases.filter(({ cipher }) => !isOf(MISSING, cipher));

it('has at least sixty combinations from the kernel', () => {
  expect(served.length).toBeGreaterThanOrEqual(160);
});

describe.each(ENGINES)('%s', (engine) => {
  const clear = clearSectors(64);

  it.each(served)('$cipher $ivOffset $options: the bytes of the kernel', (recorded) => {
    const key = recorded.key === '-' ? new Uint8Array(0) : fromHex(recorded.key);
    const cipher = openSectorCipher(parseCipherSpec(recorded.cipher), key, {
      ...optionsOf(recorded),
      engine,
    });
    const encrypted = new Uint8Array(clear.length);
    cipher.encrypt(clear, 0, encrypted, 0, clear.length, 0);
    expect(toHex(encrypted.subarray(0, 16))).toBe(recorded.first);
    expect(toHex(encrypted.subarray(-16))).toBe(recorded.last);
    expect(sha256(encrypted)).toBe(recorded.sha256);
    // A part of it, from the middle, in place.
    cipher.decrypt(encrypted, 8192, encrypted, 8192, 16384, 16);
    cipher.decrypt(encrypted, 0, encrypted, 0, 8192, 0);
    cipher.decrypt(encrypted, 24576, encrypted, 24576, 8192, 48);
    expect(Buffer.compare(encrypted, clear)).toBe(0);
    cipher.wipe();
  });
});

it.each(cases.filter(({ cipher }) => isOf(MISSING, cipher)))(
  '$cipher is said to be missing',
  ({ cipher }) => {
    const { code, message } = errorOf(() => parseCipherSpec(cipher));
    expect([code, message]).toEqual(['ENOTSUP', expect.stringContaining(cipher)]);
  },
);

it.each(refused.filter(({ cipher }) => !isOf(MORE, cipher)))(
  '$cipher is refused as by the kernel',
  (wrong) => {
    const key = wrong.key === '-' ? new Uint8Array(0) : fromHex(wrong.key);
    const { code, message } = errorOf(() => openSectorCipher(parseCipherSpec(wrong.cipher), key));
    if (code === 'ENOTSUP') expect(message).toMatch(UNKNOWN);
    else expect(message).toContain(wrong.reason.replace(/ \(E.*/, ''));
  },
);
