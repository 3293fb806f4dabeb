import { randomBytes, randomUUID } from 'node:crypto';
import { type CipherSpec, keySizes, parseCipherSpec } from '@interposer/block-cipher';
import { fail } from '@interposer/core';
import { hashOf } from './hashes.ts';
import { checkKdf, type Kdf, LEAST_ITERATIONS } from './kdf.ts';
import { formatLuks1 } from './luks1/format.ts';
import { formatLuks2 } from './luks2/format.ts';
import type { LuksStorage } from './storage.ts';
import { checkUuid } from './text-field.ts';
import type { LuksVolume } from './volume.ts';
import { wiping } from './wiping.ts';

/** How to make a LUKS header. What is left out is as cryptsetup has it. */
export interface FormatOptions {
  /** Of the first key slot. */
  readonly passphrase: Uint8Array;
  /** 2 by default. */
  readonly version?: 1 | 2;
  /** `aes-xts-plain64` by default. */
  readonly cipher?: string;
  /** Bytes of the volume key: by default 64 for XTS, and 32, or the nearest that the cipher has. */
  readonly keyBytes?: number;
  /** The volume key; a random one by default. */
  readonly volumeKey?: Uint8Array;
  /** Of splitter, digest and PBKDF2; `sha256` by default. */
  readonly hash?: string;
  /** Of the first key slot: by default `defaultKdf()` for LUKS2, for LUKS1 PBKDF2 with `PBKDF2_ITERATIONS`. */
  readonly kdf?: Kdf;
  readonly uuid?: string;
  /** LUKS2 only, as are the next ones. */
  readonly label?: string;
  readonly subsystem?: string;
  /** Bytes of a sector of the cipher: 4096 by default if the data is a multiple of that, or 512. */
  readonly sectorSize?: number;
  /** Bytes of one copy of the header with its JSON; 16 KiB by default. */
  readonly headerBytes?: number;
  /** Bytes of all key slots together; what is left before the data by default. */
  readonly keyslotsBytes?: number;
  /** Where the data begins, in bytes: by default 16 MiB with LUKS2, 2 MiB or as much as needed with LUKS1, 0 if detached. */
  readonly dataOffset?: number;
  /** Whether the data is on another device, of so many bytes. */
  readonly detached?: { readonly dataBytes: number };
  /** Of the digest that confirms the volume key. */
  readonly digestIterations?: number;
  /** Makes it though the device does not begin with zeroes. */
  readonly overwrite?: boolean;
}

/** The options with what was left out filled in, as far as both versions have it. */
export interface FormatPlan extends FormatOptions {
  readonly spec: CipherSpec;
  readonly cipher: string;
  readonly hash: string;
  readonly uuid: string;
  /** A copy, wiped by whoever made the plan. */
  readonly volumeKey: Buffer;
}

/** Looked at to see whether a device is in use. */
const START_BYTES = 4096;

/**
 * Makes a LUKS header with one key slot. What was in its place before, key slots above all, is overwritten. EEXIST if the
 * device does not begin with zeroes, EINVAL and ENOTSUP for what cannot be made, ENOSPC if it is too small; nothing is written
 * then.
 */
export async function formatLuks(storage: LuksStorage, options: FormatOptions): Promise<LuksVolume> {
  const plan = makePlan(options);
  return wiping(plan.volumeKey, async (): Promise<LuksVolume> => {
    if (options.overwrite !== true) await expectEmpty(storage);
    return plan.version === 1 ? formatLuks1(storage, plan) : formatLuks2(storage, plan);
  });
}

async function expectEmpty(storage: LuksStorage): Promise<void> {
  const start = await storage.read(0, Math.min(START_BYTES, storage.bytes));
  if (start.some((byte) => byte !== 0))
    throw fail('EEXIST', 'there is something at the start of the device already');
}

function makePlan(options: FormatOptions): FormatPlan {
  const { cipher = 'aes-xts-plain64', hash = 'sha256', digestIterations = LEAST_ITERATIONS, kdf } = options;
  const spec = parseCipherSpec(cipher);
  if (spec.tagged || spec.cipher === 'cipher_null' || cipher.startsWith('capi:') || !cipher.includes('-')) {
    throw fail(
      'ENOTSUP',
      `${cipher} cannot be the cipher of a new LUKS volume: want CIPHER-MODE-IV, not authenticated`,
    );
  }
  if (hashOf(hash).bytes < LEAST_HASH) throw fail('EINVAL', `the hash ${hash} is shorter than 20 bytes`);
  if (digestIterations < LEAST_ITERATIONS || (kdf?.type === 'pbkdf2' && kdf.iterations < LEAST_ITERATIONS)) {
    throw fail('EINVAL', `at least ${String(LEAST_ITERATIONS)} iterations are allowed`);
  }
  if (kdf !== undefined) checkKdf(kdf);
  const uuid = checkUuid(options.uuid ?? randomUUID());
  return { ...options, spec, cipher, hash, uuid, volumeKey: makeVolumeKey(options, spec) };
}

const LEAST_HASH = 20;

function makeVolumeKey({ volumeKey, keyBytes }: FormatOptions, spec: CipherSpec): Buffer {
  const sizes = keySizes(spec);
  const bytes = volumeKey?.length ?? keyBytes ?? defaultKeyBytes(spec, sizes);
  if (keyBytes !== undefined && keyBytes !== bytes) {
    throw fail('EINVAL', `the volume key has ${String(bytes)} bytes, not ${String(keyBytes)}`);
  }
  if (!sizes.includes(bytes)) {
    const bits = sizes.map((size) => String(size * 8)).join(', ');
    throw fail('EINVAL', `a key of ${String(bytes * 8)} bits for ${spec.text}: ${bits} are allowed`);
  }
  return volumeKey === undefined ? randomBytes(bytes) : Buffer.from(volumeKey);
}

const USUAL_KEY_BYTES = 32;

/** XTS has two keys. */
function defaultKeyBytes({ mode }: CipherSpec, sizes: readonly number[]): number {
  const usual = mode === 'xts' ? 2 * USUAL_KEY_BYTES : USUAL_KEY_BYTES;
  return sizes.includes(usual) ? usual : (sizes.at(-1) ?? usual);
}
