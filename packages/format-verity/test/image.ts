import { Random } from '@interposer/core';
import {
  buildTree,
  hashAlgorithm,
  layOutTree,
  treeStart,
  type TreePlaces,
  type VerityParams,
  writeSuperblock,
} from '../src/index.ts';
import { MemoryStore } from './memory-store.ts';

export const UUID = '12345678-1234-1234-1234-123456789abc';

/** Bytes that are different everywhere, and the same each time. */
export function noise(seed: number, length: number): Buffer {
  const random = new Random(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

/** Parameters of a small image, some of them as given. */
export function paramsOf(given: Partial<VerityParams> = {}): VerityParams {
  return {
    algorithm: hashAlgorithm('sha256'),
    hashType: 1,
    salt: noise(3, 8),
    dataBlockSize: 512,
    hashBlockSize: 512,
    dataBlocks: 40,
    ...given,
  };
}

/** An image with a hash device of its own, in memory. */
export interface Image extends TreePlaces {
  readonly data: MemoryStore;
  readonly hash: MemoryStore;
  readonly root: string;
}

/** Formats data, with a superblock. */
export async function formatted(
  params: VerityParams,
  data = noise(1, params.dataBlocks * params.dataBlockSize),
): Promise<Image> {
  const hashStart = treeStart(0, params.hashBlockSize, true);
  const places = {
    params,
    data: new MemoryStore(data),
    hash: new MemoryStore(layOutTree(params, hashStart).end * params.hashBlockSize),
    hashStart,
  };
  await writeSuperblock(places.hash, 0, { uuid: UUID, params });
  return { ...places, root: await buildTree(places) };
}
