import { fail } from '@interposer/core';
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
    throw fail('ENOTSUP', `the header requires what is not supported: ${requirements.join(', ')}`);
  }
}

/** Where the data is. ENOTSUP if it cannot be opened with one crypt table. */
export function dataArea(metadata: Metadata): DataArea {
  checkRequirements(metadata);
  const { segments, config } = metadata;
  if (segments.size > 1) throw fail('ENOTSUP', `the volume has ${String(segments.size)} segments, not one`);
  const segment = segments.get(0)!;
  const { type, crypt, offset, size } = segment;
  if (crypt === undefined)
    throw fail('ENOTSUP', `the data is of the type ${JSON.stringify(type)}, not crypt`);
  if (crypt.integrity !== undefined) {
    throw fail(
      'ENOTSUP',
      `the data is authenticated (${crypt.integrity}), which needs dm-integrity below it`,
    );
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

/** The digest of the key of the data. */
export function dataDigest({ digests }: Metadata): { readonly number: number; readonly digest: KeyDigest } {
  for (const [number, digest] of digests) if (digest.segments.includes(0)) return { number, digest };
  throw fail('ENOTSUP', 'no digest belongs to the data');
}
