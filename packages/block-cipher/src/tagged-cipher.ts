import { fail } from '@interposer/core';
import { digest } from './algorithms.ts';
import type { EngineName } from './engine.ts';
import { DmTaggedCipher } from './dm-tagged-cipher.ts';
import { splitKey, wipeKeys } from './keys.ts';
import { type CipherOptions, readOptions } from './options.ts';
import type { CipherCall } from './sector-cipher.ts';
import type { CipherSpec } from './spec.ts';

/** Options of a cipher that keeps something per sector. */
export interface TaggedCipherOptions extends CipherOptions {
  /** Bytes per sector that are kept: the N of `integrity:N:...`. */
  readonly tupleSize: number;
  /** Bytes of the MAC key of authenc (`integrity_key_size:N`); the size of the digest by default. */
  readonly macKeySize?: number | undefined;
}

/** As `CipherCall`, with the tuples of the sectors. */
export type TaggedCall<Result> = (
  ...args: readonly [...Parameters<CipherCall>, tuples: Uint8Array, tuplesOffset: number]
) => Result;

/** A cipher with its key, and a tuple for each sector: the tag that proves it, then the IV if it is random. */
export interface TaggedCipher {
  readonly spec: CipherSpec;
  readonly engine: EngineName;
  /** Bytes. */
  readonly sectorSize: number;
  /** Bytes per sector. */
  readonly tupleSize: number;
  /** As `SectorCipher.encrypt`; the tuples are written at `tuplesOffset`. */
  readonly encrypt: TaggedCall<void>;
  /**
   * The way back: -1, or the number (units of 512 bytes) of the first sector that is not what was encrypted there. Only sectors
   * before that one are written to `to`.
   */
  readonly decrypt: TaggedCall<number>;
  /** As `SectorCipher.wipe`. */
  wipe(): void;
}

/** Sizes of tags that GCM takes. Source: NIST SP 800-38D. */
const GCM_TAGS = [4, 8, 12, 13, 14, 15, 16];
const POLY1305_TAG = 16;

/**
 * Opens a cipher whose spec is `tagged`. Errors: as `openSectorCipher`, and EINVAL with the kernel's texts for a tuple that the tag and
 * the IV do not fit in.
 */
export function openTaggedCipher(
  spec: CipherSpec,
  key: Uint8Array,
  options: TaggedCipherOptions,
): TaggedCipher {
  if (!spec.tagged)
    throw fail('EINVAL', `${spec.text} keeps nothing per sector: it is opened by openSectorCipher`);
  const layout = readOptions(options);
  const tagSize = tagSizeOf(spec, options.tupleSize);
  const parts = splitKey(spec, key, options);
  try {
    return new DmTaggedCipher({ spec, key, parts, layout, tupleSize: options.tupleSize, tagSize });
  } finally {
    wipeKeys(parts);
  }
}

function tagSizeOf(spec: CipherSpec, tupleSize: number): number {
  const ivSize = spec.iv === 'random' ? spec.ivSize : 0;
  const rest = tupleSize - ivSize;
  const fits = Number.isSafeInteger(tupleSize) && rest >= 0;
  if (!fits || (!authenticates(spec) && rest !== 0)) {
    throw fail(
      'EINVAL',
      `Not enough space for integrity tag in the profile: ${tupleSize} bytes for ${spec.text}`,
    );
  }
  if (authenticates(spec) && !tagSizes(spec).includes(rest)) {
    throw fail('EINVAL', `Integrity AEAD auth tag size is not supported: ${rest} bytes for ${spec.text}`);
  }
  return rest;
}

function authenticates({ mac, mode }: CipherSpec): boolean {
  return mac !== undefined || mode === 'gcm' || mode === 'poly1305';
}

function tagSizes({ mac, mode, text }: CipherSpec): readonly number[] {
  if (mac !== undefined) return Array.from({ length: digest(mac, text).size }, (_, index) => index + 1);
  return mode === 'gcm' ? GCM_TAGS : [POLY1305_TAG];
}
