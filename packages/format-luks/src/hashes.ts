import { createHash, getHashes } from 'node:crypto';
import { fail } from '@interposer/core';
import { printable } from './text-field.ts';

/** A hash function of a header. */
export interface Hash {
  /** As OpenSSL calls it. */
  readonly algorithm: string;
  /** Length of a digest. */
  readonly bytes: number;
}

/** Names that the headers use where OpenSSL has another one. */
const OPENSSL_NAMES: Readonly<Partial<Record<string, string>>> = {
  'blake2b-512': 'blake2b512',
  'blake2s-256': 'blake2s256',
  rmd160: 'ripemd160',
};

const known = new Map<string, Hash>();

/**
 * The hash function of a name in a header, such as `sha256`. EINVAL if it is no name, ENOTSUP if the OpenSSL of this process
 * has no such function: whirlpool and the shorter BLAKE2 are the ones that cryptsetup has and OpenSSL often has not.
 */
export function hashOf(name: string): Hash {
  const lower = name.toLowerCase();
  const found = known.get(lower) ?? find(lower);
  known.set(lower, found);
  return found;
}

function find(name: string): Hash {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name))
    throw fail('EINVAL', `${printable(JSON.stringify(name))} is no name of a hash`);
  const algorithm = OPENSSL_NAMES[name] ?? name;
  // A digest of no fixed length is none that a header could mean, nor is the hash of a signature.
  const isOffered = getHashes().some((offered) => offered.toLowerCase() === algorithm);
  if (!isOffered || /^shake|rsa|^ssl/.test(algorithm)) throw missing(name);
  try {
    return { algorithm, bytes: createHash(algorithm).digest().length };
  } catch (error) {
    throw missing(name, error);
  }
}

function missing(name: string, cause?: unknown): Error {
  return fail('ENOTSUP', `the hash ${name} is not in the OpenSSL of this Node`, cause);
}
