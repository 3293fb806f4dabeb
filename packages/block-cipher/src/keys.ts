import { fail } from '@interposer/core';
import { blockCipher, digest } from './algorithms.ts';
import type { CipherSpec } from './spec.ts';

/** What keys depend on besides the specification. */
export interface KeyOptions {
  /** Bytes of the MAC key of authenc (`integrity_key_size:N`); the size of the digest by default. */
  readonly macKeySize?: number | undefined;
}

/** A key, cut into what its parts are for. Copies; `wipeKeys` when they are no longer needed. */
export interface KeyParts {
  /** One for each of the spec's `keyCount`. */
  readonly ciphers: readonly Uint8Array[];
  /** What the IV generator takes: seed of lmk, seed and whitening of tcw, second key of elephant. */
  readonly iv: Uint8Array;
  readonly mac: Uint8Array;
}

const TCW_WHITENING_SIZE = 16;
const LRW_TWEAK_SIZE = 16;
const POLY1305_KEY_SIZE = 32;

/** Sizes in bytes that the whole key of this specification may have, ascending. */
export function keySizes(spec: CipherSpec, { macKeySize }: KeyOptions = {}): readonly number[] {
  const macSize = macSizeOf(spec, macKeySize);
  const sizes = cipherKeySizes(spec).flatMap((size) =>
    ivKeySizes(spec, size).map((extra) => size * spec.keyCount + extra + macSize),
  );
  return [...new Set(sizes)].sort((a, b) => a - b);
}

/** Cuts a key. Kernel: crypt_ctr_ivmode and crypt_setkey. EINVAL if its size fits nothing. */
export function splitKey(spec: CipherSpec, key: Uint8Array, { macKeySize }: KeyOptions = {}): KeyParts {
  checkEssiv(spec);
  const macSize = macSizeOf(spec, macKeySize);
  for (const size of cipherKeySizes(spec)) {
    const extra = key.length - size * spec.keyCount - macSize;
    if (!ivKeySizes(spec, size).includes(extra)) continue;
    const ciphers = Array.from({ length: spec.keyCount }, (_, index) =>
      copyOf(key, index * size, (index + 1) * size),
    );
    const end = size * spec.keyCount;
    return { ciphers, iv: copyOf(key, end, end + extra), mac: copyOf(key, end + extra) };
  }
  const allowed = keySizes(spec, { macKeySize }).join(', ');
  throw fail(
    'EINVAL',
    `Error decoding and setting key: ${key.length} bytes for ${spec.text}; it takes ${allowed}`,
  );
}

/** The slice of a Buffer would be a view of it: whoever wipes that wipes the caller's key. */
function copyOf(key: Uint8Array, start: number, end?: number): Uint8Array {
  return new Uint8Array(key.subarray(start, end));
}

/** The digest of essiv is a key of the same cipher; the kernel takes a spec where it is not, but no key then. */
function checkEssiv({ ivHash, cipher, text }: CipherSpec): void {
  if (ivHash === undefined) return;
  const { size } = digest(ivHash, text);
  if (blockCipher(cipher, text).keySizes.includes(size)) return;
  throw fail(
    'EINVAL',
    `Error decoding and setting key: the ${size} bytes of ${ivHash} are no key of ${cipher} (${text})`,
  );
}

/** Overwrites the copies of a key. */
export function wipeKeys({ ciphers, iv, mac }: KeyParts): void {
  for (const part of [...ciphers, iv, mac]) part.fill(0);
}

function macSizeOf({ mac, text }: CipherSpec, macKeySize: number | undefined): number {
  return mac === undefined ? 0 : (macKeySize ?? digest(mac, text).size);
}

/** Bytes of one key of the cipher with its mode. */
function cipherKeySizes({ cipher, mode, text }: CipherSpec): readonly number[] {
  if (cipher === 'cipher_null') return [0];
  if (mode === 'poly1305') return [POLY1305_KEY_SIZE];
  const sizes = blockCipher(cipher, text).keySizes;
  if (mode === 'xts') return sizes.map((size) => size * 2);
  return mode === 'lrw' ? sizes.map((size) => size + LRW_TWEAK_SIZE) : sizes;
}

/** Bytes that the IV generator takes from the end, for a cipher key of that size. */
function ivKeySizes({ iv, ivSize, keyCount }: CipherSpec, size: number): readonly number[] {
  if (iv === 'tcw') return [ivSize + TCW_WHITENING_SIZE];
  // Its key is as long as all of the cipher's and belongs to AES.
  if (iv === 'elephant') return [16, 24, 32].filter((extra) => extra === size * keyCount);
  if (iv !== 'lmk') return [0];
  // Kernel: one more part makes version 3, told by a length that the count of keys does not divide.
  return (size * (keyCount + 1)) % keyCount === 0 ? [0] : [0, size];
}
