import { hash as digest } from 'node:crypto';
import { fail } from '@interposer/core';
import { hashOf } from '../hashes.ts';
import { readText, writeText } from '../text-field.ts';

/** Bytes of the binary header; the JSON area follows it. */
export const BINARY_BYTES = 4096;

/** Bytes that a header with its JSON area can have; the second copy stands behind the first. */
export const HEADER_SIZES: readonly number[] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096].map(
  (kib) => kib * 1024,
);

/** What the two copies begin with. */
export const MAGIC: Readonly<Record<Role, Buffer>> = {
  primary: Buffer.from('LUKS\xba\xbe', 'latin1'),
  secondary: Buffer.from('SKUL\xba\xbe', 'latin1'),
};

/** What is wrong where no header was ever. */
export const NO_MAGIC = 'no magic number of LUKS2';

/** Which copy. */
export type Role = 'primary' | 'secondary';

/** Where the fields stand, big endian; LUKS2 on-disk format, section 2.1. */
const AT = {
  version: 6,
  headerBytes: 8,
  sequence: 16,
  label: 24,
  checksumHash: 72,
  salt: 104,
  uuid: 168,
  subsystem: 208,
  offset: 256,
  checksum: 448,
} as const;
const LABEL_BYTES = 48;
const HASH_NAME_BYTES = 32;
/** Of the salt, which differs between the copies so that they do not look alike to a disk that saves space. */
export const HEADER_SALT_BYTES = 64;
const UUID_BYTES = 40;
const CHECKSUM_BYTES = 64;

/** The binary header of a copy. */
export interface BinaryHeader {
  /** With the JSON area. */
  readonly headerBytes: number;
  /** Grows by one with each change. */
  readonly sequence: bigint;
  readonly label: string;
  readonly subsystem: string;
  readonly checksumHash: string;
  readonly salt: Buffer;
  readonly uuid: string;
}

/** Reads a binary header that should stand at an offset. EINVAL where a field cannot be right. */
export function parseBinaryHeader(bytes: Buffer, role: Role, offset: number): BinaryHeader {
  const magic = MAGIC[role];
  if (!bytes.subarray(0, magic.length).equals(magic)) throw fail('EINVAL', NO_MAGIC);
  const version = bytes.readUInt16BE(AT.version);
  if (version !== 2) throw fail('EINVAL', `version ${String(version)} instead of 2`);
  const toldOffset = bytes.readBigUInt64BE(AT.offset);
  if (toldOffset !== BigInt(offset)) throw fail('EINVAL', `it is made for byte ${String(toldOffset)}`);
  const headerBytes = Number(bytes.readBigUInt64BE(AT.headerBytes));
  if (!HEADER_SIZES.includes(headerBytes)) throw fail('EINVAL', `a size of ${String(headerBytes)} bytes`);
  if (role === 'secondary' && offset !== headerBytes) {
    throw fail('EINVAL', `a copy of ${String(headerBytes)} bytes cannot stand here`);
  }
  return {
    headerBytes,
    sequence: bytes.readBigUInt64BE(AT.sequence),
    label: readText(bytes, AT.label, LABEL_BYTES, 'label'),
    subsystem: readText(bytes, AT.subsystem, LABEL_BYTES, 'subsystem'),
    checksumHash: readText(bytes, AT.checksumHash, HASH_NAME_BYTES, 'checksum hash'),
    salt: Buffer.from(bytes.subarray(AT.salt, AT.salt + HEADER_SALT_BYTES)),
    uuid: readText(bytes, AT.uuid, UUID_BYTES, 'UUID'),
  };
}

/** EINVAL unless the checksum in a whole header, with its JSON area, is right. */
export function verifyChecksum(header: Buffer, checksumHash: string): void {
  const told = header.subarray(AT.checksum, AT.checksum + CHECKSUM_BYTES);
  if (!checksumOf(header, checksumHash).equals(told)) throw fail('EINVAL', 'a wrong checksum');
}

/** The checksum as it stands in its field: over everything, with zeroes in the field itself. */
function checksumOf(header: Buffer, checksumHash: string): Buffer {
  const { algorithm, bytes } = hashOf(checksumHash);
  if (bytes > CHECKSUM_BYTES) throw fail('EINVAL', `the checksum hash ${checksumHash} is too long`);
  const blank = Buffer.from(header);
  blank.fill(0, AT.checksum, AT.checksum + CHECKSUM_BYTES);
  const field = Buffer.alloc(CHECKSUM_BYTES);
  digest(algorithm, blank, 'buffer').copy(field);
  return field;
}

/** A whole header as it stands on the disk, with its checksum. EINVAL if a text does not fit; ENOSPC if the JSON does not. */
export function encodeHeader(header: BinaryHeader, role: Role, json: string): Buffer {
  const bytes = Buffer.alloc(header.headerBytes);
  MAGIC[role].copy(bytes);
  bytes.writeUInt16BE(2, AT.version);
  bytes.writeBigUInt64BE(BigInt(header.headerBytes), AT.headerBytes);
  bytes.writeBigUInt64BE(header.sequence, AT.sequence);
  writeText(bytes, AT.label, LABEL_BYTES, 'label', header.label);
  writeText(bytes, AT.checksumHash, HASH_NAME_BYTES, 'checksum hash', header.checksumHash);
  header.salt.copy(bytes, AT.salt);
  writeText(bytes, AT.uuid, UUID_BYTES, 'UUID', header.uuid);
  writeText(bytes, AT.subsystem, LABEL_BYTES, 'subsystem', header.subsystem);
  bytes.writeBigUInt64BE(BigInt(role === 'primary' ? 0 : header.headerBytes), AT.offset);
  const text = Buffer.from(json);
  // A NUL has to end it.
  const room = header.headerBytes - BINARY_BYTES - 1;
  if (text.length > room) {
    throw fail(
      'ENOSPC',
      `the metadata is ${String(text.length)} bytes of JSON, and there is room for ${String(room)}`,
    );
  }
  text.copy(bytes, BINARY_BYTES);
  checksumOf(bytes, header.checksumHash).copy(bytes, AT.checksum);
  return bytes;
}
