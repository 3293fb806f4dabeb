import { afterEach, describe, expect, it, vi } from 'vitest';
import { keySizes, openSectorCipher, openTaggedCipher, parseCipherSpec } from '../src/index.ts';
import { ENGINES } from './engines.ts';

const SPECS = [
  'aes-xts-plain64',
  'aes-cbc-essiv:sha256',
  'aes-cbc-eboiv',
  'aes-cbc-elephant',
  'aes-cbc-tcw',
  'aes-ctr-plain64',
  'aes-ecb',
  'aes-lrw-benbi',
  'aes:64-cbc-lmk',
  'camellia-xts-plain64',
];

/** No two bytes of it stand side by side elsewhere. */
function keyOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 37 + 91) & 255);
}

/** Whether memory has eight bytes of the key in a row. */
function holdsKey(memory: Uint8Array, key: Uint8Array): boolean {
  const bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  for (let at = 0; at + 8 <= key.length; at++) {
    if (bytes.includes(Buffer.from(key.subarray(at, at + 8)))) return true;
  }
  return false;
}

/** Every copy that is made of a part of an array meanwhile. */
function copiesDuring(work: () => void): Uint8Array[] {
  const copies: Uint8Array[] = [];
  const slice = Uint8Array.prototype.slice;
  vi.spyOn(Uint8Array.prototype, 'slice').mockImplementation(function (this: Uint8Array, start, end) {
    const copy = slice.call(this, start, end);
    copies.push(copy);
    return copy;
  });
  work();
  vi.restoreAllMocks();
  return copies;
}

afterEach(() => vi.restoreAllMocks());

describe.each(ENGINES)('%s: a key that is wiped', (engine) => {
  it.each(SPECS)('is in no copy: %s', (text) => {
    const spec = parseCipherSpec(text);
    const key = keyOf(keySizes(spec).at(-1)!);
    const copies = copiesDuring(() => openSectorCipher(spec, key, { engine }).wipe());
    expect(copies.filter((copy) => holdsKey(copy, key))).toEqual([]);
  });

  it.each([
    ['capi:gcm(aes)-random', 28],
    ['capi:authenc(hmac(sha256),xts(aes))-plain64', 32],
  ])('is in no copy: %s', (text, tupleSize) => {
    const spec = parseCipherSpec(text, { aead: true });
    const key = keyOf(keySizes(spec).at(-1)!);
    const copies = copiesDuring(() => openTaggedCipher(spec, key, { engine, tupleSize }).wipe());
    expect(copies.filter((copy) => holdsKey(copy, key))).toEqual([]);
  });
});
