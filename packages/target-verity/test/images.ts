import { Random } from '@interposer/core';
import {
  buildTree,
  encodeFec,
  hashAlgorithm,
  layOutFec,
  type SectorStore,
  treeStart,
  type VerityParams,
  writeSuperblock,
} from '@interposer/format-verity';

/** Sectors of a buffer. */
export class BufferStore implements SectorStore {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  read(sector: number, count: number): Promise<Buffer> {
    return Promise.resolve(Buffer.from(this.bytes.subarray(sector * 512, (sector + count) * 512)));
  }

  write(sector: number, data: Uint8Array): Promise<void> {
    this.bytes.set(data, sector * 512);
    return Promise.resolve();
  }
}

/** Bytes that are different everywhere, and the same each time. */
export function noise(seed: number, length: number): Buffer {
  const random = new Random(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

export const SALT: string = noise(3, 8).toString('hex');

/** What the disks of the recorded tables are called, and what is on them. */
export interface Disks {
  readonly disks: Readonly<Record<string, Buffer>>;
  /** By name of the image. */
  readonly roots: Readonly<Record<'small' | 'large' | 'old', string>>;
}

/** Parameters of an image, some of them as given. */
export function paramsOf(
  blockSize: number,
  dataBlocks: number,
  hashType: 0 | 1,
  given: Partial<VerityParams> = {},
): VerityParams {
  return {
    algorithm: hashAlgorithm('sha256'),
    hashType,
    salt: Buffer.from(SALT, 'hex'),
    dataBlockSize: blockSize,
    hashBlockSize: blockSize,
    dataBlocks,
    ...given,
  };
}

/** Bytes of the parity device that each number of roots has for itself. */
const FEC_ROOM = 64 * 1024;
/** Numbers of roots there is parity of, in this order on the parity device. */
const FEC_ROOTS: readonly number[] = [2, 3, 8, 24];
/** Blocks that parity covers: data, tree, and some of what follows the tree. */
const FEC_BLOCKS = 350;

/**
 * vda: data, 300 blocks of 512 bytes, the blocks 5 and 6 zeroes. vdb: superblock, its tree of three levels from block 1 on, and
 * something behind. vdc: parity. vdd: data of 48 blocks of 4096, on a disk with blocks of 4096. vde: its tree from block 1 on.
 * vdf: the tree of vda of type 0, without a superblock. vdg: a disk of 8 sectors.
 */
export async function makeDisks(): Promise<Disks> {
  const vda = noise(1, 300 * 512);
  vda.fill(0, 5 * 512, 7 * 512);
  const vdb = noise(2, 128 * 512);
  const vdc = Buffer.alloc(FEC_ROOTS.length * FEC_ROOM);
  const vdd = noise(4, 48 * 4096);
  const vde = Buffer.alloc(8 * 4096);
  const vdf = Buffer.alloc(64 * 512);
  const small = await format(vda, vdb, paramsOf(512, 300, 1), true);
  const large = await format(vdd, vde, paramsOf(4096, 48, 1), true);
  const old = await format(vda, vdf, paramsOf(512, 300, 0), false);
  for (const [index, roots] of FEC_ROOTS.entries()) {
    const places = {
      params: paramsOf(512, 300, 1),
      data: new BufferStore(vda),
      hash: new BufferStore(vdb),
      hashStart: 1,
    };
    const layout = layOutFec(places.params, roots, FEC_BLOCKS);
    await encodeFec({ ...places, layout, fec: new BufferStore(vdc), fecOffset: index * FEC_ROOM });
  }
  return { disks: { vda, vdb, vdc, vdd, vde, vdf, vdg: Buffer.alloc(4096) }, roots: { small, large, old } };
}

/** Writes superblock, if there is one, and tree; resolves to the root hash. */
export async function format(
  data: Buffer,
  hash: Buffer,
  of: VerityParams,
  hasSuperblock: boolean,
): Promise<string> {
  const store = new BufferStore(hash);
  const uuid = '12345678-1234-1234-1234-123456789abc';
  if (hasSuperblock) await writeSuperblock(store, 0, { uuid, params: of });
  const hashStart = treeStart(0, of.hashBlockSize, hasSuperblock);
  return buildTree({ params: of, data: new BufferStore(data), hash: store, hashStart });
}
