import { fail } from '@interposer/core';
import type { HashRecipe } from './hash.ts';

/** Everything that a tree of hashes depends on, besides the data. */
export interface VerityParams extends HashRecipe {
  /** Bytes. */
  readonly dataBlockSize: number;
  /** Bytes. */
  readonly hashBlockSize: number;
  /** How many blocks of data there are. */
  readonly dataBlocks: number;
}

/** The most bytes of salt: a superblock has no room for more. */
export const MAX_SALT = 256;

const MIN_BLOCK = 512;
/** veritysetup: VERITY_BLOCK_SIZE_OK. The kernel takes data blocks of up to a page. */
const MAX_BLOCK = 512 * 1024;

/** EINVAL where the parameters are not such as an image can have. */
export function checkParams(params: VerityParams): void {
  const { hashType, dataBlockSize, hashBlockSize, dataBlocks, salt } = params;
  // Numbers come from images, whatever their type says.
  if (![0, 1].includes(hashType)) throw fail('EINVAL', `hash type ${String(hashType)} is neither 0 nor 1`);
  checkBlockSize('data', dataBlockSize);
  checkBlockSize('hash', hashBlockSize);
  if (salt.length > MAX_SALT)
    throw fail('EINVAL', `a salt of ${String(salt.length)} bytes is too long: ${String(MAX_SALT)} at most`);
  if (!Number.isSafeInteger(dataBlocks) || dataBlocks < 1)
    throw fail('EINVAL', `${String(dataBlocks)} blocks of data cannot be hashed: there must be one at least`);
  if (!Number.isSafeInteger(dataBlocks * dataBlockSize))
    throw fail('EINVAL', `${String(dataBlocks)} blocks of data are too many: 2^53-1 bytes at most`);
}

function checkBlockSize(what: string, bytes: number): void {
  if (bytes >= MIN_BLOCK && bytes <= MAX_BLOCK && Number.isInteger(Math.log2(bytes))) return;
  const allowed = `a power of two from ${String(MIN_BLOCK)} to ${String(MAX_BLOCK)}`;
  throw fail('EINVAL', `a ${what} block of ${String(bytes)} bytes is not supported: ${allowed}`);
}
