import { fail, SECTOR_SIZE } from '@interposer/core';
import type { TreePlaces } from './build.ts';
import type { VerityParams } from './params.ts';
import { ReedSolomon, WORD } from './reed-solomon.ts';
import { readBlocks, type SectorSource, type SectorStore } from './store.ts';

/** Fewest and most parity bytes of a word. */
const MIN_ROOTS = 2;
const MAX_ROOTS = 24;

/** How parity covers the blocks. Kernel: dm-verity-fec.c. */
export interface FecLayout {
  /** Parity bytes of a word. */
  readonly roots: number;
  /** Blocks of message in a word: 255 - roots. */
  readonly columns: number;
  /** Blocks that are covered: the data, then the hash device from the tree on. */
  readonly blocks: number;
  /** Blocks that follow one another in a column: block n is in round n % rounds and column n / rounds. */
  readonly rounds: number;
  /** Blocks of parity: `roots` for each round. */
  readonly parityBlocks: number;
}

/** Lays parity out over so many blocks. EINVAL for what the kernel does not take either. */
export function layOutFec(params: VerityParams, roots: number, blocks: number): FecLayout {
  if (params.dataBlockSize !== params.hashBlockSize)
    throw fail('EINVAL', 'Block sizes must match to use FEC');
  if (!Number.isInteger(roots) || roots < MIN_ROOTS || roots > MAX_ROOTS)
    throw fail(
      'EINVAL',
      `${String(roots)} parity bytes are not in ${String(MIN_ROOTS)}..${String(MAX_ROOTS)}`,
    );
  if (!Number.isSafeInteger(blocks) || blocks < params.dataBlocks)
    throw fail('EINVAL', `FEC covers ${String(blocks)} blocks, fewer than there are of data`);
  const columns = WORD - roots;
  const rounds = Math.ceil(blocks / columns);
  return { roots, columns, blocks, rounds, parityBlocks: rounds * roots };
}

/** An image with parity. */
export interface FecPlaces extends TreePlaces {
  readonly layout: FecLayout;
  readonly fec: SectorSource;
  /** The first byte of parity, a whole number of sectors. */
  readonly fecOffset: number;
}

/** Reads a covered block by its number; behind the last there are zeroes. */
export function readCovered(
  { params, data, hash, hashStart, layout }: Omit<FecPlaces, 'fec' | 'fecOffset'>,
  first: number,
  count: number,
): Promise<Buffer> {
  const { dataBlocks, dataBlockSize } = params;
  const parts: Promise<Buffer>[] = [];
  const end = first + count;
  const take = (source: SectorSource, shift: number, from: number, to: number): void => {
    if (from < to) parts.push(readBlocks(source, dataBlockSize, from + shift, to - from));
  };
  take(data, 0, first, Math.min(end, dataBlocks));
  take(hash, hashStart - dataBlocks, Math.max(first, dataBlocks), Math.min(end, layout.blocks));
  const zeroes = end - Math.max(first, layout.blocks);
  if (zeroes > 0) parts.push(Promise.resolve(Buffer.alloc(zeroes * dataBlockSize)));
  return parts.length === 1 ? parts[0]! : Promise.all(parts).then((bytes) => Buffer.concat(bytes));
}

/** Bytes of message that are in memory at a time. */
const BATCH = 8 * 2 ** 20;

/** Writes the parity of an image whose tree is built. Nothing is flushed. */
export async function encodeFec(places: FecPlaces & { readonly fec: SectorStore }): Promise<void> {
  const { layout, params, fec, fecOffset } = places;
  const { roots, columns, rounds } = layout;
  const { dataBlockSize } = params;
  const code = new ReedSolomon(roots);
  const perBatch = Math.max(1, Math.floor(BATCH / (columns * dataBlockSize)));
  for (let round = 0; round < rounds; round += perBatch) {
    const count = Math.min(perBatch, rounds - round);
    const parities = new Uint8Array(count * dataBlockSize * roots);
    for (let column = 0; column < columns; column++) {
      code.encodeColumn(await readCovered(places, round + column * rounds, count), parities);
    }
    await fec.write((fecOffset + round * dataBlockSize * roots) / SECTOR_SIZE, parities);
  }
}

/** Reads the parity of a round: `roots` bytes for each word. */
export function readParity(
  { layout, params, fec, fecOffset }: Omit<FecPlaces, 'data' | 'hash'>,
  round: number,
): Promise<Buffer> {
  const sectors = (params.dataBlockSize * layout.roots) / SECTOR_SIZE;
  return fec.read(fecOffset / SECTOR_SIZE + round * sectors, sectors).then((bytes) => Buffer.from(bytes));
}

/** The syndromes of the words of a round, column by column. */
export class RoundSyndromes {
  readonly bytes: Uint8Array;
  readonly #code: ReedSolomon;
  readonly #words: number;

  /** `words`: the bytes of a block. */
  constructor(code: ReedSolomon, words: number) {
    this.#code = code;
    this.#words = words;
    this.bytes = new Uint8Array(words * code.roots);
  }

  /** The next column of the message; null for zeroes. */
  column(block: Uint8Array | null): void {
    this.#code.syndromeColumn(block, this.bytes);
  }

  /** The parity of all words, last. */
  parity(parities: Uint8Array): void {
    const { roots } = this.#code;
    const column = new Uint8Array(this.#words);
    for (let k = 0; k < roots; k++) {
      for (let word = 0; word < this.#words; word++) column[word] = parities[word * roots + k]!;
      this.#code.syndromeColumn(column, this.bytes);
    }
  }

  /**
   * Puts words of a block of the round right: adds what is missing to its bytes. Answers how many bytes of the words were wrong,
   * in any column; -1, with the block half done, where a word has more errors than can be put right.
   */
  repair(
    block: Uint8Array,
    place: number,
    erasures: readonly number[],
    from = 0,
    to: number = this.#words,
  ): number {
    let wrong = 0;
    let places: readonly number[] = erasures;
    for (let word = from; word < to; word++) {
      const at = word * this.#code.roots;
      const corrections =
        this.#code.correctAt(this.bytes, at, places, erasures) ??
        this.#code.correct(this.bytes, at, erasures);
      if (corrections === null) return -1;
      wrong += corrections.length;
      for (const correction of corrections) if (correction.place === place) block[word]! ^= correction.value;
      // Where a block is bad all its words have the same places wrong.
      if (corrections.length > 0) places = corrections.map((correction) => correction.place);
    }
    return wrong;
  }
}

/** Bytes that parity can put right in a whole image; undefined where a word has more errors than that. */
export async function countRepairable(places: FecPlaces): Promise<number | undefined> {
  const { layout, params } = places;
  const code = new ReedSolomon(layout.roots);
  const nowhere = new Uint8Array(0);
  let wrong = 0;
  for (let round = 0; round < layout.rounds; round++) {
    const syndromes = new RoundSyndromes(code, params.dataBlockSize);
    for (let column = 0; column < layout.columns; column++) {
      syndromes.column(await readCovered(places, round + column * layout.rounds, 1));
    }
    syndromes.parity(await readParity(places, round));
    const found = syndromes.repair(nowhere, -1, []);
    if (found < 0) return undefined;
    wrong += found;
  }
  return wrong;
}
