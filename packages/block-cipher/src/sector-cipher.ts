import { fail } from '@interposer/core';
import type { EngineName } from './engine.ts';
import { DmCipher } from './dm-cipher.ts';
import { splitKey, wipeKeys } from './keys.ts';
import { type CipherOptions, readOptions } from './options.ts';
import type { CipherSpec } from './spec.ts';

/**
 * Ciphers `bytes` bytes, a multiple of the sector size, as the sectors from `sector` on (units of 512 bytes, a multiple of the sector
 * size, without the IV offset). `from` is only read, unless `from` and `to` are the same bytes; they must not overlap otherwise.
 * Errors: EINVAL for a range that does not fit and after `wipe`, EIO if OpenSSL fails.
 */
export type CipherCall = (
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  bytes: number,
  sector: number,
) => void;

/**
 * A cipher with its key. Calls are synchronous and take whole sectors from anywhere in any buffer. With the engine `evp` cbc, ctr,
 * ecb and XTS of AES allocate nothing but the boxes of the addresses that native calls take, 16 bytes each, two or three per sector.
 */
export interface SectorCipher {
  readonly spec: CipherSpec;
  readonly engine: EngineName;
  /** Bytes. */
  readonly sectorSize: number;
  /** Far from a gigabyte a second: the processor has no instructions for it. */
  readonly slow: boolean;
  readonly encrypt: CipherCall;
  /** The way back, by the same rules. */
  readonly decrypt: CipherCall;
  /** Wipes the key and gives its memory back, as far as it is ours; once more does nothing. */
  wipe(): void;
}

/**
 * Opens a cipher. The key is copied and the copies are wiped. Errors: EINVAL with the kernel's texts for a key of the wrong size and
 * for options that do not fit, EINVAL for a spec that wants `openTaggedCipher`, ENOTSUP for an engine that is not there.
 */
export function openSectorCipher(
  spec: CipherSpec,
  key: Uint8Array,
  options: CipherOptions = {},
): SectorCipher {
  if (spec.tagged)
    throw fail('EINVAL', `${spec.text} keeps something per sector: it is opened by openTaggedCipher`);
  const layout = readOptions(options);
  checkSectorSize(spec, layout.sectorSize);
  const parts = splitKey(spec, key);
  try {
    return new DmCipher(spec, parts, layout);
  } finally {
    wipeKeys(parts);
  }
}

function checkSectorSize({ iv, text }: CipherSpec, sectorSize: number): void {
  if ((iv === 'lmk' || iv === 'tcw') && sectorSize !== 512) {
    throw fail(
      'EINVAL',
      `Unsupported sector size for ${iv.toUpperCase()}: ${sectorSize} (${text}); only 512`,
    );
  }
}
