import { hash } from 'node:crypto';
import { fail } from '@interposer/core';
import { type DigestEngine, makeDigestEngine } from './digest-engines.ts';

/** A hash function for blocks. */
export interface HashAlgorithm {
  /** As tables and superblocks name it. */
  readonly name: string;
  /** As node:crypto names it. */
  readonly nodeName: string;
  /** Bytes. */
  readonly digestSize: number;
}

/** Names of the kernel, and those of OpenSSL that stand in images of veritysetup, with the name in node:crypto and the bytes of a digest. */
const ALGORITHMS: Readonly<Record<string, readonly [nodeName: string, digestSize: number]>> = {
  md5: ['md5', 16],
  sha1: ['sha1', 20],
  sha224: ['sha224', 28],
  sha256: ['sha256', 32],
  sha384: ['sha384', 48],
  sha512: ['sha512', 64],
  'sha3-224': ['sha3-224', 28],
  'sha3-256': ['sha3-256', 32],
  'sha3-384': ['sha3-384', 48],
  'sha3-512': ['sha3-512', 64],
  rmd160: ['ripemd160', 20],
  ripemd160: ['ripemd160', 20],
  'blake2b-512': ['blake2b512', 64],
  blake2b512: ['blake2b512', 64],
  'blake2s-256': ['blake2s256', 32],
  blake2s256: ['blake2s256', 32],
  sm3: ['sm3', 32],
};

/** Every name that `hashAlgorithm` takes. */
export const HASH_NAMES: readonly string[] = Object.keys(ALGORITHMS);

/**
 * The hash function of a name, which is in small letters as the kernel has it. ENOTSUP for one that there is not here: either
 * nobody knows it, or node:crypto is built without it.
 */
export function hashAlgorithm(name: string): HashAlgorithm {
  const known = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (known === undefined || !worksHere(known[0]))
    throw fail('ENOTSUP', `hash algorithm ${name} is not supported; there are ${HASH_NAMES.join(', ')}`);
  return { name, nodeName: known[0], digestSize: known[1] };
}

/** A build of node:crypto may lack an algorithm, or be told to refuse it. */
function worksHere(nodeName: string): boolean {
  try {
    hash(nodeName, '', 'binary');
    return true;
  } catch {
    return false;
  }
}

/** What a block is hashed with. */
export interface HashRecipe {
  readonly algorithm: HashAlgorithm;
  /** 1: salt, then block; 0, that of Chrome OS: block, then salt. */
  readonly hashType: 0 | 1;
  readonly salt: Uint8Array;
}

/** Hashes blocks of one size. */
export class BlockHasher {
  readonly blockSize: number;
  readonly #digestSize: number;
  readonly #engine: DigestEngine;

  constructor({ algorithm, hashType, salt }: HashRecipe, blockSize: number) {
    const { nodeName, digestSize } = algorithm;
    this.blockSize = blockSize;
    this.#digestSize = digestSize;
    this.#engine = makeDigestEngine({ nodeName, digestSize, salt, isSaltFirst: hashType === 1, blockSize });
  }

  /** The digest of the block that begins at a byte of a buffer. */
  digest(buffer: Uint8Array, offset: number): Buffer {
    this.#checkInside(buffer, offset);
    this.#engine.run(buffer, offset);
    return Buffer.from(this.#engine.result);
  }

  /** Whether the block that begins at a byte of a buffer has the digest that begins at a byte of another. Makes nothing. */
  matches(buffer: Uint8Array, offset: number, digests: Uint8Array, digestAt: number): boolean {
    this.#checkInside(buffer, offset);
    const { result } = this.#engine;
    this.#engine.run(buffer, offset);
    for (let at = 0; at < this.#digestSize; at++) if (result[at] !== digests[digestAt + at]) return false;
    return true;
  }

  /** OpenSSL would read whatever lies behind a buffer. */
  #checkInside(buffer: Uint8Array, offset: number): void {
    if (offset >= 0 && offset + this.blockSize <= buffer.length) return;
    throw new RangeError(
      `no block of ${String(this.blockSize)} bytes at ${String(offset)} of ${String(buffer.length)}`,
    );
  }
}

/** A digest in hexadecimal. */
export function hexOfDigest(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}

/** The bytes that hexadecimal digits stand for, two for each; undefined for other text. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  return /^([0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
}
