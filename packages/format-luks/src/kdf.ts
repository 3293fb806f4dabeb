import { pbkdf2 as pbkdf2WithCallback } from 'node:crypto';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { asError, fail } from '@interposer/core';
import { argon2 } from './argon2.ts';
import { hashOf } from './hashes.ts';

/** PBKDF2 with HMAC of a hash. */
export interface Pbkdf2 {
  readonly type: 'pbkdf2';
  readonly hash: string;
  readonly iterations: number;
}

/** Argon2, version 0x13. */
export interface Argon2Kdf {
  readonly type: 'argon2i' | 'argon2id';
  /** Passes. */
  readonly time: number;
  /** KiB. */
  readonly memory: number;
  /** Lanes. */
  readonly cpus: number;
}

/** How a passphrase becomes the key of a key slot. */
export type Kdf = Pbkdf2 | Argon2Kdf;

/** What a header may cost those who open it: one that asks for more, out of malice or damage, is refused. */
export interface KdfLimits {
  /** Of PBKDF2. */
  readonly iterations?: number;
  /** Of argon2, in KiB. */
  readonly memory?: number;
  /** Passes of argon2. */
  readonly time?: number;
}

/** Iterations are what OpenSSL can count, memory is what cryptsetup allows, and each is far above what anybody sets. */
const DEFAULT_LIMITS: Required<KdfLimits> = { iterations: 2 ** 31 - 1, memory: 2 ** 22, time: 2 ** 16 };

/** Of argon2 in LUKS2; more lanes than that are refused. */
const MOST_CPUS = 64;
/** Argon2 wants so many blocks of 1 KiB for each lane. */
const LEAST_MEMORY_PER_CPU = 8;

// RFC 9106, section 3.1.
const ARGON2_LEAST_SALT = 8;
const ARGON2_LEAST_KEY = 4;
const MOST_BYTES = 2 ** 32 - 1;

const pbkdf2 = promisify(pbkdf2WithCallback);

/** EINVAL if a key derivation asks for what cannot be, or for more than the limits; ENOTSUP if its hash is missing. */
export function checkKdf(kdf: Kdf, limits: KdfLimits = {}): void {
  const most = { ...DEFAULT_LIMITS, ...limits };
  if (kdf.type === 'pbkdf2') {
    hashOf(kdf.hash);
    expectBetween('iterations of pbkdf2', kdf.iterations, 1, most.iterations);
  } else {
    expectBetween(`lanes of ${kdf.type}`, kdf.cpus, 1, MOST_CPUS);
    expectBetween(`passes of ${kdf.type}`, kdf.time, 1, most.time);
    expectBetween(`KiB of memory of ${kdf.type}`, kdf.memory, LEAST_MEMORY_PER_CPU * kdf.cpus, most.memory);
  }
}

function expectBetween(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw fail('EINVAL', `${String(value)} ${what}: from ${String(least)} to ${String(most)} are allowed`);
}

/** Derives a key of so many bytes from a passphrase, beside the event loop. As `checkKdf`, and ENOMEM. */
export async function deriveKey(
  kdf: Kdf,
  passphrase: Uint8Array,
  salt: Uint8Array,
  bytes: number,
  limits: KdfLimits = {},
): Promise<Buffer> {
  checkKdf(kdf, limits);
  if (kdf.type === 'pbkdf2') {
    return pbkdf2(passphrase, salt, kdf.iterations, bytes, hashOf(kdf.hash).algorithm);
  }
  expectBetween(`bytes of salt of ${kdf.type}`, salt.length, ARGON2_LEAST_SALT, MOST_BYTES);
  expectBetween(`bytes of key of ${kdf.type}`, bytes, ARGON2_LEAST_KEY, MOST_BYTES);
  try {
    return await argon2({ ...kdf, passphrase, salt, bytes });
  } catch (error) {
    throw fail('ENOMEM', `${kdf.type} with ${String(kdf.memory)} KiB: ${asError(error).message}`, error);
  }
}

/** The least number of iterations that LUKS allows to be written. */
export const LEAST_ITERATIONS = 1000;

/** Iterations for a passphrase with PBKDF2: some tenths of a second; OWASP asks for 600,000 with SHA-256. */
export const PBKDF2_ITERATIONS = 1_000_000;

/** For the digest of a volume key, which is random and cannot be guessed. */
export const DIGEST_ITERATIONS = 100_000;

const ARGON2_PASSES = 4;
const ARGON2_MEMORY = 2 ** 20;
const ARGON2_CPUS = 4;
const KIB = 1024;

/**
 * What a new key slot of LUKS2 gets: argon2id with 4 passes over 1 GiB, as cryptsetup chooses at most, but without measuring.
 * On a machine with less than 2 GiB it is half of the memory, as in cryptsetup, and there are no more lanes than processors.
 */
export function defaultKdf(): Argon2Kdf {
  return {
    type: 'argon2id',
    time: ARGON2_PASSES,
    memory: Math.min(ARGON2_MEMORY, Math.floor(totalmem() / KIB / 2)),
    cpus: Math.min(ARGON2_CPUS, availableParallelism()),
  };
}
