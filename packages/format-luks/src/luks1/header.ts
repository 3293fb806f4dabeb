import { fail, SECTOR_SIZE } from '@interposer/core';
import { STRIPES } from '../anti-forensic.ts';
import { hashOf } from '../hashes.ts';
import { stripesBytes } from '../key-area.ts';
import { checkCipherText, readText, writeText } from '../text-field.ts';
import type { Digest } from '../verify.ts';

/** Bytes of a LUKS1 header: fields at the start of the device, big endian, and eight key slots. */
export const HEADER_BYTES = 592;

/** Both versions begin with it, and with the version. */
export const MAGIC: Buffer = Buffer.from('LUKS\xba\xbe', 'latin1');

/** Where the fields stand; LUKS1 on-disk format, section 2.1. */
const AT = {
  version: 6,
  cipherName: 8,
  cipherMode: 40,
  hash: 72,
  payload: 104,
  keyBytes: 108,
  digest: 112,
  digestSalt: 132,
  digestIterations: 164,
  uuid: 168,
  slots: 208,
} as const;
/** Of text fields, digest and salts. */
const TEXT_BYTES = 32;
const DIGEST_BYTES = 20;
const SALT_BYTES = 32;
const UUID_BYTES = 40;

/** A key slot within the header. */
const SLOT_BYTES = 48;
const SLOT_AT = { state: 0, iterations: 4, salt: 8, material: 40, stripes: 44 } as const;
const ENABLED = 0x00ac71f3;
const DISABLED = 0x0000dead;

/** Key slots of a header. */
export const SLOTS = 8;

/** No cipher has a longer key, with any IV generator. */
const MOST_KEY_BYTES = 512;

/** A key slot. */
export interface Luks1Slot {
  readonly enabled: boolean;
  readonly iterations: number;
  readonly salt: Buffer;
  /** First sector of the encrypted stripes. */
  readonly material: number;
}

/** A LUKS1 header. */
export interface Luks1Header {
  readonly cipherName: string;
  readonly cipherMode: string;
  /** Of everything: splitter, key slots, digest. */
  readonly hash: string;
  /** First sector of the data; 0 where that is on a device of its own. */
  readonly payload: number;
  readonly keyBytes: number;
  readonly digest: Digest;
  readonly uuid: string;
  readonly slots: readonly Luks1Slot[];
}

/** Reads a header. EINVAL where a field cannot be right, ENOTSUP for a hash that is missing. */
export function parseHeader(bytes: Buffer): Luks1Header {
  const hash = readText(bytes, AT.hash, TEXT_BYTES, 'hash');
  if (hashOf(hash).bytes < DIGEST_BYTES) throw fail('EINVAL', `LUKS1 header: the hash ${hash} is too short`);
  const header: Luks1Header = {
    cipherName: readText(bytes, AT.cipherName, TEXT_BYTES, 'cipher name'),
    cipherMode: readText(bytes, AT.cipherMode, TEXT_BYTES, 'cipher mode'),
    hash,
    payload: bytes.readUInt32BE(AT.payload),
    keyBytes: bytes.readUInt32BE(AT.keyBytes),
    digest: {
      hash,
      iterations: bytes.readUInt32BE(AT.digestIterations),
      salt: Buffer.from(bytes.subarray(AT.digestSalt, AT.digestSalt + SALT_BYTES)),
      digest: Buffer.from(bytes.subarray(AT.digest, AT.digest + DIGEST_BYTES)),
    },
    uuid: readText(bytes, AT.uuid, UUID_BYTES, 'UUID'),
    slots: Array.from({ length: SLOTS }, (_, slot) => parseSlot(bytes, slot)),
  };
  checkHeader(header);
  return header;
}

function parseSlot(header: Buffer, slot: number): Luks1Slot {
  const bytes = header.subarray(AT.slots + slot * SLOT_BYTES, AT.slots + (slot + 1) * SLOT_BYTES);
  const state = bytes.readUInt32BE(SLOT_AT.state);
  if (state !== ENABLED && state !== DISABLED) {
    throw fail('EINVAL', `LUKS1 header: the state of key slot ${String(slot)} is 0x${state.toString(16)}`);
  }
  const stripes = bytes.readUInt32BE(SLOT_AT.stripes);
  if (stripes !== STRIPES) {
    throw fail('EINVAL', `LUKS1 header: key slot ${String(slot)} has ${String(stripes)} stripes, not 4000`);
  }
  return {
    enabled: state === ENABLED,
    iterations: bytes.readUInt32BE(SLOT_AT.iterations),
    salt: Buffer.from(bytes.subarray(SLOT_AT.salt, SLOT_AT.salt + SALT_BYTES)),
    material: bytes.readUInt32BE(SLOT_AT.material),
  };
}

function checkHeader(header: Luks1Header): void {
  const { keyBytes, slots, digest, payload } = header;
  checkCipherText(cipherOf(header), 'LUKS1 header');
  if (keyBytes === 0 || keyBytes > MOST_KEY_BYTES) {
    throw fail('EINVAL', `LUKS1 header: a volume key of ${String(keyBytes)} bytes`);
  }
  if (digest.iterations === 0) throw fail('EINVAL', 'LUKS1 header: the digest has no iterations');
  const areas = slots.map(({ material }, slot) => ({ slot, material }));
  areas.sort((one, other) => one.material - other.material);
  let end = Math.ceil(HEADER_BYTES / SECTOR_SIZE);
  for (const { slot, material } of areas) {
    if (material < end)
      throw fail('EINVAL', `LUKS1 header: key slot ${String(slot)} overlaps what is before it`);
    if (slots[slot]!.enabled && slots[slot]!.iterations === 0) {
      throw fail('EINVAL', `LUKS1 header: key slot ${String(slot)} has no iterations`);
    }
    end = material + areaSectors(keyBytes);
  }
  if (payload !== 0 && payload < end) {
    throw fail(
      'EINVAL',
      `LUKS1 header: the data begins at sector ${String(payload)}, before the key slots end`,
    );
  }
}

/** The header as it stands on the disk. */
export function encodeHeader(header: Luks1Header): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(1, AT.version);
  writeText(bytes, AT.cipherName, TEXT_BYTES, 'cipher name', header.cipherName);
  writeText(bytes, AT.cipherMode, TEXT_BYTES, 'cipher mode', header.cipherMode);
  writeText(bytes, AT.hash, TEXT_BYTES, 'hash', header.hash);
  bytes.writeUInt32BE(header.payload, AT.payload);
  bytes.writeUInt32BE(header.keyBytes, AT.keyBytes);
  header.digest.digest.copy(bytes, AT.digest);
  header.digest.salt.copy(bytes, AT.digestSalt);
  bytes.writeUInt32BE(header.digest.iterations, AT.digestIterations);
  writeText(bytes, AT.uuid, UUID_BYTES, 'UUID', header.uuid);
  header.slots.forEach(({ enabled, iterations, salt, material }, slot) => {
    const at = AT.slots + slot * SLOT_BYTES;
    bytes.writeUInt32BE(enabled ? ENABLED : DISABLED, at + SLOT_AT.state);
    bytes.writeUInt32BE(iterations, at + SLOT_AT.iterations);
    salt.copy(bytes, at + SLOT_AT.salt);
    bytes.writeUInt32BE(material, at + SLOT_AT.material);
    bytes.writeUInt32BE(STRIPES, at + SLOT_AT.stripes);
  });
  return bytes;
}

/** As in a crypt table. */
export function cipherOf({ cipherName, cipherMode }: Luks1Header): string {
  return `${cipherName}-${cipherMode}`;
}

/** Sectors that the stripes of a key take. */
export function areaSectors(keyBytes: number): number {
  return stripesBytes(keyBytes) / SECTOR_SIZE;
}

/** Bytes from the start of the device up to the end of the last key slot. */
export function headerAndSlots({ slots, keyBytes }: Luks1Header): number {
  return (Math.max(...slots.map(({ material }) => material)) + areaSectors(keyBytes)) * SECTOR_SIZE;
}

/** A slot that is not in use: its place stays. */
export function emptySlot({ material }: Pick<Luks1Slot, 'material'>): Luks1Slot {
  return { enabled: false, iterations: 0, salt: Buffer.alloc(SALT_BYTES), material };
}
