/**
 * Images of dm-verity: superblock, tree of hashes, parity; formatting, verifying, listing.
 *
 * @packageDocumentation
 */
export { buildTree, type TreePlaces } from './build.ts';
export { dumpText, type DumpFacts } from './dump.ts';
export {
  countRepairable,
  encodeFec,
  type FecLayout,
  type FecPlaces,
  layOutFec,
  readCovered,
  readParity,
  RoundSyndromes,
} from './fec.ts';
export { loadEvpDigests } from './evp-digests.ts';
export {
  BlockHasher,
  bytesOfHex,
  HASH_NAMES,
  type HashAlgorithm,
  hashAlgorithm,
  type HashRecipe,
  hexOfDigest,
} from './hash.ts';
export { checkParams, MAX_SALT, type VerityParams } from './params.ts';
export { type Correction, ReedSolomon } from './reed-solomon.ts';
export { readBlocks, type SectorSource, type SectorStore } from './store.ts';
export {
  makeSuperblock,
  parseSuperblock,
  readSuperblock,
  type Superblock,
  SUPERBLOCK_SIZE,
  treeStart,
  writeSuperblock,
} from './superblock.ts';
export { layOutTree, type TreeLayout, type TreeLevel } from './tree.ts';
export { type Mismatch, verifyTree } from './verify.ts';
