import { fail, SECTOR_SIZE } from '@interposer/core';
import { MOST_CHUNKS } from './chunk-table.ts';
import type { SnapshotPorts } from './store.ts';

/** The words of a snapshot's line behind its devices. */
export interface StoreArgs {
  readonly letter: 'P' | 'N';
  /** A full store leaves the snapshot readable. */
  readonly overflow: boolean;
  /** 0: what the store says, or the default. */
  readonly chunkSectors: number;
  readonly discardZeroes: boolean;
  readonly discardPassdown: boolean;
}

/** What the parser makes of a line's arguments. */
export interface SnapshotWords {
  readonly origin: string;
  readonly cow: string;
  readonly store: string;
  readonly chunk: string;
  readonly features: readonly string[];
}

/** Sectors; the kernel's `INT_MAX` in bytes. */
const LARGEST_CHUNK = 4194303;
const MOST_FEATURES = 2;
const FEATURES = ['discard_zeroes_cow', 'discard_passdown_origin'];

/** Says what the words mean, for devices that are open. EINVAL with the kernel's texts. */
export function parseStoreArgs(
  { store, chunk, features }: SnapshotWords,
  { origin, cow }: SnapshotPorts,
): StoreArgs {
  if (cow.device === origin.device) throw fail('EINVAL', 'COW device cannot be the same as origin device');
  const [discardZeroes, discardPassdown] = parseFeatures(features);
  const chunkSectors = parseChunk(chunk);
  const problem = chunkSectors === 0 ? undefined : chunkProblem(chunkSectors, { origin, cow });
  if (problem !== undefined) throw noStore(problem);
  return { ...parseStore(store), chunkSectors, discardZeroes, discardPassdown };
}

/** The features as the table shows them, with a blank in front. */
export function featureText({ discardZeroes, discardPassdown }: StoreArgs): string {
  const names = FEATURES.filter((_, index) => [discardZeroes, discardPassdown][index]);
  return names.length === 0 ? '' : ` ${String(names.length)} ${names.join(' ')}`;
}

/** Why chunks cannot be of that size on these devices. Kernel: dm_exception_store_set_chunk_size. */
export function chunkProblem(sectors: number, { origin, cow }: SnapshotPorts): string | undefined {
  if (sectors < 1 || !Number.isInteger(Math.log2(sectors))) return 'Chunk size is not a power of 2';
  const blocks = [origin, cow].map(({ limits }) => limits.logicalBlock / SECTOR_SIZE);
  if (blocks.some((block) => sectors % block !== 0))
    return 'Chunk size is not a multiple of device blocksize';
  if (sectors > LARGEST_CHUNK) return 'Chunk size is too high';
  const most = Math.max(origin.limits.sectors, cow.limits.sectors) / sectors;
  return most > MOST_CHUNKS ? 'Chunk size is too low: there would be more than 2^32-1 chunks' : undefined;
}

function parseStore(word: string): Pick<StoreArgs, 'letter' | 'overflow'> {
  const letter = word.charAt(0).toUpperCase();
  const option = word.charAt(1).toUpperCase();
  if (letter === 'N') return { letter, overflow: false };
  if (letter !== 'P') throw noStore(`"${word}" is not P, PO or N`);
  if (option !== '' && option !== 'O') throw noStore(`Unsupported persistent store option: ${word.slice(1)}`);
  return { letter, overflow: option === 'O' };
}

function parseChunk(word: string): number {
  const sectors = /^\+?\d+$/.test(word) ? Number(word) : NaN;
  if (!(sectors < 2 ** 32)) throw noStore(`Invalid chunk size "${word}"`);
  return sectors;
}

/** Whether each of the features is there. */
function parseFeatures([count, ...words]: readonly string[]): [zeroes: boolean, passdown: boolean] {
  if (count === undefined) return [false, false];
  const number = /^\d+$/.test(count) ? Number(count) : NaN;
  if (!(number <= MOST_FEATURES) || number !== words.length)
    throw fail('EINVAL', `Invalid number of feature arguments: ${[count, ...words].join(' ')}`);
  const names = words.map((word) => word.toLowerCase());
  const unknown = names.find((name) => !FEATURES.includes(name));
  if (unknown !== undefined) throw fail('EINVAL', `Unrecognised feature requested: ${unknown}`);
  const [zeroes, passdown] = FEATURES.map((name) => names.includes(name)) as [boolean, boolean];
  if (passdown && !zeroes)
    throw fail('EINVAL', 'discard_passdown_origin feature depends on discard_zeroes_cow');
  return [zeroes, passdown];
}

function noStore(detail: string): Error {
  return fail('EINVAL', `Couldn't create exception store: ${detail}`);
}
