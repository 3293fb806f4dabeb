import { setImmediate } from 'node:timers/promises';
import type { Port } from '@interposer/core';
import {
  BlockHasher,
  type FecLayout,
  type FecPlaces,
  readCovered,
  readParity,
  ReedSolomon,
  RoundSyndromes,
} from '@interposer/format-verity';

/** Columns, and words, that are worked on before others get their turn. */
const COLUMNS_AT_A_TIME = 16;
const WORDS_AT_A_TIME = 512;

/** What repair needs to know. */
export interface RepairContext extends Omit<FecPlaces, 'data' | 'hash' | 'fec'> {
  readonly data: Port;
  readonly hash: Port;
  readonly fec: Port;
  /** The digest that a block of data must have; rejects where that cannot be known. */
  readonly digestOf: (block: number, repairing: readonly number[]) => Promise<string>;
  /** The digest of a block of zeroes, where such blocks are not looked at; else null. */
  readonly zeroDigest: string | null;
  readonly log: (message: string) => void;
}

/** Puts corrupted blocks right with the parity. Kernel: dm-verity-fec.c. */
export class Repair {
  readonly #context: RepairContext;
  readonly #layout: FecLayout;
  readonly #blockSize: number;
  readonly #code: ReedSolomon;
  readonly #hasher: BlockHasher;

  constructor(context: RepairContext) {
    this.#context = context;
    this.#layout = context.layout;
    this.#blockSize = context.params.dataBlockSize;
    this.#code = new ReedSolomon(context.layout.roots);
    this.#hasher = new BlockHasher(context.params, this.#blockSize);
  }

  /** A block of data, into a buffer. Answers whether it has its digest now; where not, the buffer is as before. */
  dataBlock(block: number, wanted: string, into: Uint8Array, offset: number): Promise<boolean> {
    return this.#mend(block, wanted, into, offset, []);
  }

  /** A block of the tree, by its number on the hash device. */
  hashBlock(block: number, wanted: string, into: Uint8Array, repairing: readonly number[]): Promise<boolean> {
    const { params, hashStart } = this.#context;
    const covered = block - hashStart + params.dataBlocks;
    return this.#mend(covered, wanted, into, 0, [...repairing, block]);
  }

  async #mend(
    covered: number,
    wanted: string,
    into: Uint8Array,
    offset: number,
    repairing: readonly number[],
  ): Promise<boolean> {
    const round = new Round(this.#context, this.#code, covered % this.#layout.rounds);
    if (!(await round.read())) return false;
    const place = Math.floor(covered / this.#layout.rounds);
    // To find bad neighbours takes hashing them all, so it is tried without first.
    const mended =
      (await this.#attempt(round, place, wanted, [])) ??
      (await this.#attempt(round, place, wanted, await this.#erasures(round, repairing)));
    if (mended === null) return false;
    into.set(mended, offset);
    return true;
  }

  async #attempt(
    round: Round,
    place: number,
    wanted: string,
    erasures: readonly number[],
  ): Promise<Uint8Array | null> {
    const block = Uint8Array.from(round.columns[place] ?? new Uint8Array(this.#blockSize));
    let wrong = 0;
    for (let word = 0; word < this.#blockSize; word += WORDS_AT_A_TIME) {
      const found = round.syndromes.repair(block, place, erasures, word, word + WORDS_AT_A_TIME);
      if (found < 0) return null;
      wrong += found;
      await setImmediate();
    }
    if (this.#hasher.digest(block, 0) !== wanted) return null;
    const first = round.number * this.#blockSize;
    this.#context.log(
      `${this.#context.data.device.number}: FEC ${String(first)}: corrected ${String(wrong)} errors`,
    );
    return block;
  }

  /** Places of a round that could not be read, or hold data that has not its digest. */
  async #erasures(round: Round, repairing: readonly number[]): Promise<readonly number[]> {
    const erasures = [...round.unreadable];
    for (const [place, column] of round.columns.entries()) {
      // One more than can be put right is enough to know that it cannot be.
      if (erasures.length > this.#layout.roots) break;
      const block = round.number + place * this.#layout.rounds;
      if (column === null || block >= this.#context.params.dataBlocks) continue;
      if (await this.#isBad(block, column, repairing)) erasures.push(place);
      if (place % COLUMNS_AT_A_TIME === 0) await setImmediate();
    }
    return erasures;
  }

  async #isBad(block: number, column: Uint8Array, repairing: readonly number[]): Promise<boolean> {
    try {
      return this.#hasher.digest(column, 0) !== (await this.#context.digestOf(block, repairing));
    } catch {
      // The tree does not tell.
      return false;
    }
  }
}

/** The blocks that share their words, and their parity. */
class Round {
  readonly number: number;
  readonly syndromes: RoundSyndromes;
  /** The message, column by column; null: zeroes, or what takes their place. */
  readonly columns: (Uint8Array | null)[] = [];
  readonly unreadable: number[] = [];
  readonly #context: RepairContext;

  constructor(context: RepairContext, code: ReedSolomon, number: number) {
    this.#context = context;
    this.number = number;
    this.syndromes = new RoundSyndromes(code, context.params.dataBlockSize);
  }

  /** False where there is no parity to be had. */
  async read(): Promise<boolean> {
    const { layout } = this.#context;
    for (let first = 0; first < layout.columns; first += COLUMNS_AT_A_TIME) {
      const count = Math.min(COLUMNS_AT_A_TIME, layout.columns - first);
      const blocks = await Promise.all(Array.from({ length: count }, (_, at) => this.#column(first + at)));
      for (const block of blocks) this.syndromes.column(block);
      this.columns.push(...blocks);
      await setImmediate();
    }
    try {
      this.syndromes.parity(await readParity(this.#context, this.number));
      return true;
    } catch {
      return false;
    }
  }

  async #column(place: number): Promise<Uint8Array | null> {
    const { layout, params } = this.#context;
    const block = this.number + place * layout.rounds;
    if (block >= layout.blocks) return null;
    try {
      const bytes = await readCovered(this.#context, block, 1);
      return block < params.dataBlocks && (await this.#isZero(block)) ? null : bytes;
    } catch {
      this.unreadable.push(place);
      return null;
    }
  }

  /** A block that is known to be zeroes is taken for zeroes, whatever it holds. */
  async #isZero(block: number): Promise<boolean> {
    const { zeroDigest, digestOf } = this.#context;
    if (zeroDigest === null) return false;
    const digest = await digestOf(block, []).catch(() => null);
    return digest === zeroDigest;
  }
}
