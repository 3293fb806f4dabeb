import { fail, SECTOR_SIZE } from '@interposer/core';
import { hashAlgorithm } from './hash.ts';
import { checkParams, MAX_SALT, type VerityParams } from './params.ts';
import { asBuffer, type SectorSource, type SectorStore } from './store.ts';

/** What the superblock says: what veritysetup writes in front of a tree. The kernel never reads it. */
export interface Superblock {
  readonly uuid: string;
  readonly params: VerityParams;
}

/** Bytes of a superblock. */
export const SUPERBLOCK_SIZE = 512;

const SIGNATURE = 'verity\0\0';
const VERSION = 1;
const AT = {
  version: 8,
  hashType: 12,
  uuid: 16,
  algorithm: 32,
  dataBlockSize: 64,
  hashBlockSize: 68,
  dataBlocks: 72,
};
const SALT_SIZE_AT = 80;
const SALT_AT = 88;
const ALGORITHM_SIZE = 32;

/** The superblock of such bytes. EINVAL where they are none, or damaged; ENOTSUP for a hash algorithm that is not known here. */
export function parseSuperblock(bytes: Uint8Array): Superblock {
  const block = asBuffer(bytes);
  if (block.length < SUPERBLOCK_SIZE || block.toString('latin1', 0, SIGNATURE.length) !== SIGNATURE)
    throw fail('EINVAL', 'there is no verity superblock');
  const version = block.readUInt32LE(AT.version);
  if (version !== VERSION)
    throw fail('EINVAL', `verity superblock of version ${String(version)}, not ${String(VERSION)}`);
  const saltSize = block.readUInt16LE(SALT_SIZE_AT);
  if (saltSize > MAX_SALT)
    throw fail('EINVAL', `damaged verity superblock: a salt of ${String(saltSize)} bytes`);
  const name = block.toString('latin1', AT.algorithm, AT.algorithm + ALGORITHM_SIZE).replace(/\0.*$/s, '');
  if (!/^[\x21-\x7e]+$/.test(name))
    throw fail('EINVAL', 'damaged verity superblock: no name of a hash algorithm');
  const params: VerityParams = {
    hashType: block.readUInt32LE(AT.hashType) as 0 | 1,
    // veritysetup takes capitals and keeps them.
    algorithm: hashAlgorithm(name.toLowerCase()),
    dataBlockSize: block.readUInt32LE(AT.dataBlockSize),
    hashBlockSize: block.readUInt32LE(AT.hashBlockSize),
    dataBlocks: Number(block.readBigUInt64LE(AT.dataBlocks)),
    salt: Uint8Array.from(block.subarray(SALT_AT, SALT_AT + saltSize)),
  };
  checkParams(params);
  return { uuid: formatUuid(block.subarray(AT.uuid, AT.uuid + 16)), params };
}

/** The bytes of a superblock. EINVAL for a UUID that is none, or parameters that no image can have. */
export function makeSuperblock({ uuid, params }: Superblock): Uint8Array {
  checkParams(params);
  const block = Buffer.alloc(SUPERBLOCK_SIZE);
  block.write(SIGNATURE, 'latin1');
  block.writeUInt32LE(VERSION, AT.version);
  block.writeUInt32LE(params.hashType, AT.hashType);
  parseUuid(uuid).copy(block, AT.uuid);
  block.write(params.algorithm.name, AT.algorithm, ALGORITHM_SIZE, 'latin1');
  block.writeUInt32LE(params.dataBlockSize, AT.dataBlockSize);
  block.writeUInt32LE(params.hashBlockSize, AT.hashBlockSize);
  block.writeBigUInt64LE(BigInt(params.dataBlocks), AT.dataBlocks);
  block.writeUInt16LE(params.salt.length, SALT_SIZE_AT);
  block.set(params.salt, SALT_AT);
  return block;
}

/** Reads the superblock at a byte of a device, which is a whole number of sectors. */
export async function readSuperblock(source: SectorSource, offset: number): Promise<Superblock> {
  const { bytes, at } = await readAround(source, offset);
  return parseSuperblock(bytes.subarray(at, at + SUPERBLOCK_SIZE));
}

/** Writes the superblock at a byte of a device, which is a whole number of sectors; what else its block holds stays. */
export async function writeSuperblock(
  store: SectorStore,
  offset: number,
  superblock: Superblock,
): Promise<void> {
  const { sector, bytes, at } = await readAround(store, offset);
  bytes.set(makeSuperblock(superblock), at);
  await store.write(sector, bytes);
}

/** The first block of the tree, in hash blocks: the next one behind the superblock, or at once where there is none. */
export function treeStart(hashOffset: number, hashBlockSize: number, hasSuperblock: boolean): number {
  if (hasSuperblock) return Math.ceil((hashOffset + SUPERBLOCK_SIZE) / hashBlockSize);
  return Math.floor(hashOffset / hashBlockSize);
}

/** The block of the device that a superblock lies in. */
async function readAround(
  source: SectorSource,
  offset: number,
): Promise<{ sector: number; bytes: Uint8Array; at: number }> {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % SECTOR_SIZE !== 0)
    throw fail('EINVAL', `a hash offset of ${String(offset)} bytes is no whole number of sectors`);
  const block = source.limits?.logicalBlock ?? SECTOR_SIZE;
  const start = Math.floor(offset / block) * block;
  const bytes = await source.read(start / SECTOR_SIZE, block / SECTOR_SIZE);
  return { sector: start / SECTOR_SIZE, bytes, at: offset - start };
}

function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function parseUuid(text: string): Buffer {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw fail('EINVAL', `"${text}" is no UUID`);
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}
