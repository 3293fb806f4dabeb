import { keySizes, parseCipherSpec } from '@interposer/block-cipher';
import { fail } from '@interposer/core';
import { printable } from '../text-field.ts';
import type { DataArea } from '../volume.ts';
import type { Metadata } from './metadata.ts';
import { isRegular, type KeyDigest, type Segment } from './segments.ts';

/** Flags of the header that are options of the crypt table. */
const TABLE_OPTIONS: Readonly<Partial<Record<string, string>>> = {
  'allow-discards': 'allow_discards',
  'same-cpu-crypt': 'same_cpu_crypt',
  'submit-from-crypt-cpus': 'submit_from_crypt_cpus',
  'no-read-workqueue': 'no_read_workqueue',
  'no-write-workqueue': 'no_write_workqueue',
};

/** ENOTSUP if the header asks for what is not known here: neither its data nor its key slots may be touched then. */
export function checkRequirements({ config, segments }: Metadata): void {
  const { requirements } = config;
  if (requirements.some((name) => name.includes('reencrypt')) || ![...segments.values()].every(isRegular)) {
    throw fail('ENOTSUP', 'the volume is being reencrypted: finish that with cryptsetup reencrypt');
  }
  if (requirements.length > 0) {
    const names = printable(requirements.join(', '));
    throw fail('ENOTSUP', `the header requires what is not supported: ${names}`);
  }
  if (segments.size > 1) throw fail('ENOTSUP', `the volume has ${String(segments.size)} segments, not one`);
}

/** Where the data is. ENOTSUP if it cannot be opened with one crypt table. */
export function dataArea(metadata: Metadata): DataArea {
  checkRequirements(metadata);
  const { segments, config } = metadata;
  const segment = segments.get(0)!;
  const { type, crypt, offset, size } = segment;
  if (crypt === undefined)
    throw fail('ENOTSUP', printable(`the data is of the type ${JSON.stringify(type)}, not crypt`));
  if (crypt.integrity !== undefined) {
    throw fail(
      'ENOTSUP',
      printable(`the data is authenticated (${crypt.integrity}), which needs dm-integrity below it`),
    );
  }
  // Who can write to the header must not have plaintext written to the disk.
  if (crypt.encryption.includes('cipher_null')) {
    throw fail('ENOTSUP', `the data is not encrypted (${crypt.encryption}): a linear table opens it`);
  }
  if (crypt.sectorSize > 512 && (offset % BigInt(crypt.sectorSize) !== 0n || !isMultiple(crypt))) {
    throw fail('EINVAL', 'the data does not begin at a whole sector of its cipher');
  }
  return {
    cipher: crypt.encryption,
    keyBytes: dataKeyBytes(metadata),
    offset: safe(offset),
    ...(size === undefined ? {} : { bytes: safe(size) }),
    sectorSize: crypt.sectorSize,
    ivOffset: safe(crypt.ivTweak),
    options: config.flags.flatMap((flag) => TABLE_OPTIONS[flag] ?? []),
  };
}

function isMultiple({ ivTweak, sectorSize }: NonNullable<Segment['crypt']>): boolean {
  return ivTweak % BigInt(sectorSize / 512) === 0n;
}

function safe(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw fail('EINVAL', `${String(value)} is more than any device has`);
  return Number(value);
}

/** Of the key slots that hold the key of the data; 0 if there is none left. */
function dataKeyBytes(metadata: Metadata): number {
  const { digest } = dataDigest(metadata);
  const [slot] = digest.keyslots;
  return slot === undefined ? 0 : metadata.keyslots.get(slot)!.keyBytes;
}

/** Whether the key of the data can have a length. Its digest does not tell: to HMAC, a short key has zeroes behind it. */
export function isKeyLength(metadata: Metadata, bytes: number): boolean {
  const known = dataKeyBytes(metadata);
  if (known !== 0) return bytes === known;
  const encryption = metadata.segments.get(0)?.crypt?.encryption;
  return encryption !== undefined && keySizes(parseCipherSpec(encryption)).includes(bytes);
}

/** The digest of the key of the data. */
export function dataDigest({ digests }: Metadata): { readonly number: number; readonly digest: KeyDigest } {
  for (const [number, digest] of digests) if (digest.segments.includes(0)) return { number, digest };
  throw fail('ENOTSUP', 'no digest belongs to the data');
}
