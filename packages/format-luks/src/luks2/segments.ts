import { SECTOR_SIZE } from '@interposer/core';
import { checkCipherText } from '../text-field.ts';
import type { Digest } from '../verify.ts';
import type { Fields } from './fields.ts';

/** A stretch of the data device. */
export interface Segment {
  readonly type: string;
  /** Bytes. */
  readonly offset: bigint;
  /** Bytes; absent: up to the end of the device. */
  readonly size?: bigint;
  /** `backup-...` and others: not one that is in use now. */
  readonly flags: readonly string[];
  /** Of the type `crypt`. */
  readonly crypt?: CryptSegment;
}

/** How a segment is encrypted. */
export interface CryptSegment {
  readonly encryption: string;
  readonly sectorSize: number;
  /** Units of 512 bytes. */
  readonly ivTweak: bigint;
  /** Set when sectors are authenticated: the algorithm. */
  readonly integrity?: string;
}

/** Sectors of a cipher. */
const SECTOR_SIZES = [512, 1024, 2048, 4096];

/** Reads a segment; whether it has a digest and its place are checked where all are known. */
export function parseSegment(fields: Fields): Segment {
  const type = fields.word('type');
  const offset = aligned(fields, 'offset');
  const size = fields.string('size') === 'dynamic' ? undefined : aligned(fields, 'size');
  if (size === 0n) throw fields.wrong('size', 'is zero');
  const flags = fields.has('flags') ? fields.strings('flags') : [];
  const segment = { type, offset, flags, ...(size === undefined ? {} : { size }) };
  if (type !== 'crypt') return segment;
  const crypt = parseCrypt(fields);
  if (size !== undefined && size % BigInt(crypt.sectorSize) !== 0n) {
    throw fields.wrong('size', 'is no multiple of sector_size');
  }
  return { ...segment, crypt };
}

function aligned(fields: Fields, name: string): bigint {
  const value = fields.bigNumber(name);
  if (value % BigInt(SECTOR_SIZE) !== 0n) throw fields.wrong(name, 'is no multiple of 512');
  return value;
}

function parseCrypt(fields: Fields): CryptSegment {
  const encryption = fields.string('encryption');
  checkCipherText(encryption, `in its metadata ${fields.where}.encryption`);
  const sectorSize = fields.number('sector_size');
  if (!SECTOR_SIZES.includes(sectorSize))
    throw fields.wrong('sector_size', `is none of ${SECTOR_SIZES.join(', ')}`);
  const crypt = { encryption, sectorSize, ivTweak: fields.bigNumber('iv_tweak') };
  if (!fields.has('integrity')) return crypt;
  const integrity = fields.object('integrity');
  for (const name of ['journal_encryption', 'journal_integrity']) integrity.string(name);
  return { ...crypt, integrity: integrity.word('type') };
}

/** Whether a segment is data as it is now, and not what reencryption keeps to go back to. */
export function isRegular({ flags }: Segment): boolean {
  return !flags.some((flag) => flag.startsWith('backup-'));
}

/** A digest, with the key slots and segments whose key it confirms. */
export interface KeyDigest extends Digest {
  readonly type: string;
  readonly keyslots: readonly number[];
  readonly segments: readonly number[];
}

/** Reads a digest. */
export function parseDigest(
  fields: Fields,
  keyslotNumbers: ReadonlySet<number>,
  segmentNumbers: ReadonlySet<number>,
): KeyDigest {
  const type = fields.word('type');
  const keyslots = fields.references('keyslots', keyslotNumbers);
  const segments = fields.references('segments', segmentNumbers);
  if (type !== 'pbkdf2') throw fields.wrong('type', `is ${JSON.stringify(type)}, not pbkdf2`);
  const iterations = fields.number('iterations');
  if (iterations === 0) throw fields.wrong('iterations', 'is zero');
  const [salt, digest] = [fields.base64('salt'), fields.base64('digest')];
  // A short one would confirm wrong keys.
  if (digest.length < LEAST_DIGEST) throw fields.wrong('digest', `is ${String(digest.length)} bytes short`);
  // Each part of a long one costs all iterations again.
  if (digest.length > MOST_DIGEST) throw fields.wrong('digest', `is ${String(digest.length)} bytes long`);
  return { type, keyslots, segments, hash: fields.word('hash'), iterations, salt, digest };
}

const LEAST_DIGEST = 16;
/** Of the longest hash. */
const MOST_DIGEST = 64;
