import { hash } from 'node:crypto';
import { fail } from '@interposer/core';

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

/** Hashes blocks of one size. A digest is a string with a character, 0 to 255, for each byte: compared fast, and kept flat. */
export class BlockHasher {
  readonly blockSize: number;
  readonly #name: string;
  /** Salt and block in their order, for the function takes one piece; null where there is no salt. */
  readonly #salted: Uint8Array | null;
  readonly #blockAt: number;

  constructor({ algorithm, hashType, salt }: HashRecipe, blockSize: number) {
    this.blockSize = blockSize;
    this.#name = algorithm.nodeName;
    this.#blockAt = hashType === 1 ? salt.length : 0;
    this.#salted = salt.length === 0 ? null : new Uint8Array(salt.length + blockSize);
    this.#salted?.set(salt, hashType === 1 ? 0 : blockSize);
  }

  /** The digest of the block that begins at a byte of a buffer. */
  digest(buffer: Uint8Array, offset: number): string {
    const block = new Uint8Array(buffer.buffer, buffer.byteOffset + offset, this.blockSize);
    if (this.#salted === null) return hash(this.#name, block, 'binary');
    this.#salted.set(block, this.#blockAt);
    return hash(this.#name, this.#salted, 'binary');
  }
}

/** Bytes of a buffer as a string in which digests are kept. */
export function digestAt(buffer: Buffer, offset: number, size: number): string {
  return buffer.toString('latin1', offset, offset + size);
}

/** A digest in hexadecimal. */
export function hexOfDigest(digest: string): string {
  return Buffer.from(digest, 'latin1').toString('hex');
}

/** The bytes that hexadecimal digits stand for, two for each; undefined for other text. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  return /^([0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
}
