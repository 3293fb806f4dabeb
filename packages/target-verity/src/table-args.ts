import { fail, type Port, SECTOR_SIZE, type TargetContext } from '@interposer/core';
import {
  bytesOfHex,
  hashAlgorithm,
  type HashAlgorithm,
  layOutTree,
  type TreeLayout,
  type VerityParams,
} from '@interposer/format-verity';
import type { SignatureCheck } from './signature.ts';
import { optionWords, parseOptions, refusal, tooSmall, type VerityOptions } from './options.ts';

/** What the parser makes of a line's arguments. */
export interface VerityArgs {
  readonly version: number;
  readonly data_device: Port;
  readonly hash_device: Port;
  readonly data_block_size: number;
  readonly hash_block_size: number;
  readonly data_blocks: number;
  readonly hash_start: number;
  readonly algorithm: string;
  readonly digest: string;
  readonly salt: string;
  readonly options: readonly string[];
}

/** A line that makes sense. */
export interface VerityTable {
  readonly params: VerityParams;
  readonly layout: TreeLayout;
  readonly data: Port;
  readonly hash: Port;
  /** In hash blocks. */
  readonly hashStart: number;
  /** In hexadecimal, in small letters. */
  readonly root: string;
  readonly options: VerityOptions;
}

/**
 * Checks the arguments in the order of the kernel and opens the device of the parity. EINVAL with the text of the kernel;
 * ENOENT for a hash algorithm that there is not, ENOKEY and EILSEQ for a signature of the root hash.
 */
export async function readTable(
  { sectors }: Pick<TargetContext, 'sectors'>,
  args: VerityArgs,
  open: TargetContext['open'],
  signatures: SignatureCheck,
): Promise<VerityTable> {
  const { data_device: data, hash_device: hash, hash_start: hashStart } = args;
  checkBlockSize('data', args.data_block_size, data);
  checkBlockSize('hash', args.hash_block_size, hash);
  if (args.data_blocks * (args.data_block_size / SECTOR_SIZE) < sectors)
    throw refusal(
      'Data device is too small',
      `${String(args.data_blocks)} blocks for a row of ${String(sectors)} sectors`,
    );
  const algorithm = findAlgorithm(args.algorithm);
  if (args.hash_block_size < 2 * algorithm.digestSize)
    throw refusal('Digest size too big', `${algorithm.name} in blocks of ${String(args.hash_block_size)}`);
  const params: VerityParams = {
    hashType: args.version === 0 ? 0 : 1,
    algorithm,
    salt: saltOf(args.salt),
    dataBlockSize: args.data_block_size,
    hashBlockSize: args.hash_block_size,
    dataBlocks: args.data_blocks,
  };
  const root = rootOf(args.digest, algorithm);
  const options = await parseOptions(args.options, open);
  if (options.signature !== undefined) await signatures.check(args.digest, options.signature);
  const layout = layOutTree(params, hashStart);
  if (layout.end * (params.hashBlockSize / SECTOR_SIZE) > hash.limits.sectors)
    throw tooSmall('Hash device is too small', `the tree ends at block ${String(layout.end)}`);
  checkMostOnce(params, options);
  return { params, layout, data, hash, hashStart, root, options };
}

/** More bits than that the kernel does not keep. */
const MOST_BITS = 2 ** 31 - 1;

function checkMostOnce({ dataBlocks }: VerityParams, { checkAtMostOnce }: VerityOptions): void {
  if (checkAtMostOnce && dataBlocks > MOST_BITS)
    throw refusal('device too large to use check_at_most_once', `${String(dataBlocks)} blocks`);
}

/** The largest block of an image; the kernel ends at a page for data. */
const MAX_BLOCK = 512 * 1024;

function checkBlockSize(what: 'data' | 'hash', bytes: number, port: Port): void {
  const least = port.limits.logicalBlock;
  if (Number.isInteger(Math.log2(bytes)) && bytes >= least && bytes <= MAX_BLOCK) return;
  const allowed = `a power of two in ${String(least)}..${String(MAX_BLOCK)}`;
  throw refusal(`Invalid ${what} device block size`, `${String(bytes)} is not ${allowed}`);
}

function findAlgorithm(name: string): HashAlgorithm {
  try {
    return hashAlgorithm(name);
  } catch (error) {
    throw fail('ENOENT', `Cannot initialize hash function (${(error as Error).message})`, error);
  }
}

function rootOf(digest: string, { name, digestSize }: HashAlgorithm): string {
  if (bytesOfHex(digest)?.length === digestSize) return digest.toLowerCase();
  throw refusal('Invalid root digest', `${name} has ${String(digestSize)} bytes, in hexadecimal`);
}

function saltOf(text: string): Uint8Array {
  const salt = text === '-' ? new Uint8Array(0) : bytesOfHex(text);
  if (salt === undefined || salt.length > 256)
    throw refusal('Invalid salt', 'up to 256 bytes in hexadecimal, or - for none');
  return salt;
}

/** The line again, as the kernel shows it. */
export function tableText({ params, data, hash, hashStart, root, options }: VerityTable): string {
  const { salt } = params;
  return [
    params.hashType,
    data.device.number,
    hash.device.number,
    params.dataBlockSize,
    params.hashBlockSize,
    params.dataBlocks,
    hashStart,
    params.algorithm.name,
    root,
    salt.length === 0 ? '-' : Buffer.from(salt).toString('hex'),
    ...optionWords(options),
  ].join(' ');
}
