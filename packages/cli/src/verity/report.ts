import type { DumpFacts, FecLayout, VerityParams } from '@interposer/format-verity';
import type { Offsets } from './settings.ts';

/** An image, as text and as JSON tell of it. */
export interface Report {
  readonly dump: DumpFacts;
  readonly json: Readonly<Record<string, unknown>>;
}

/** What is told of an image. */
export function factsOf(
  image: { name: string; uuid: string; params: VerityParams; rootHash?: string },
  { hashOffset, hasSuperblock, fecOffset }: Offsets,
  layout: FecLayout | undefined,
): Report {
  const { params, uuid, rootHash } = image;
  const dump: DumpFacts = {
    ...image,
    hashOffset,
    hasSuperblock,
    ...(layout === undefined ? {} : { fec: { layout, offset: fecOffset } }),
  };
  const json = {
    uuid,
    hashType: params.hashType,
    algorithm: params.algorithm.name,
    dataBlockSize: params.dataBlockSize,
    hashBlockSize: params.hashBlockSize,
    dataBlocks: params.dataBlocks,
    salt: Buffer.from(params.salt).toString('hex'),
    ...(rootHash === undefined ? {} : { rootHash }),
    ...(layout === undefined
      ? {}
      : { fecRoots: layout.roots, fecBlocks: layout.blocks, parityBlocks: layout.parityBlocks }),
  };
  return { dump, json };
}
