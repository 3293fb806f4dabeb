import { setImmediate } from 'node:timers/promises';
import type { Port } from '@interposer/core';
import {
  type FecPlaces,
  readCovered,
  readParity,
  type ReedSolomon,
  RoundSyndromes,
} from '@interposer/format-verity';
import type { Mending } from './mending.ts';

/** Columns that are read together, before others get their turn. */
const COLUMNS_AT_A_TIME = 16;

/** What a round needs to know. */
export interface RoundContext extends Omit<FecPlaces, 'data' | 'hash' | 'fec'> {
  readonly data: Port;
  readonly hash: Port;
  readonly fec: Port;
  /** The digest that a block of data must have; rejects where that cannot be known. */
  readonly digestOf: (block: number, within: Mending) => Promise<Uint8Array>;
  /** The digest of a block of zeroes, where such blocks are not looked at; else null. */
  readonly zeroDigest: Uint8Array | null;
}

/** The blocks that share their words, and their parity. They are never in memory all at once. */
export class Round {
  readonly number: number;
  readonly syndromes: RoundSyndromes;
  /** Places that could not be read. */
  readonly unreadable: number[] = [];
  readonly #context: RoundContext;
  readonly #mending: Mending;

  constructor(context: RoundContext, code: ReedSolomon, number: number, mending: Mending) {
    this.#context = context;
    this.#mending = mending;
    this.number = number;
    this.syndromes = new RoundSyndromes(code, context.params.dataBlockSize);
  }

  /** The block at a place, as it is on the device, when all of the round is in the syndromes; null where there is no parity to be had. */
  async read(wanted: number): Promise<Uint8Array | null> {
    const { layout, params } = this.#context;
    let block: Uint8Array = new Uint8Array(params.dataBlockSize);
    for (let first = 0; first < layout.columns; first += COLUMNS_AT_A_TIME) {
      const columns = await this.#columns(first);
      for (const column of columns) this.syndromes.column(column);
      block = columns[wanted - first] ?? block;
      await setImmediate();
    }
    try {
      this.syndromes.parity(await readParity(this.#context, this.number));
      return block;
    } catch {
      return null;
    }
  }

  /** Goes through the blocks of data again, and gives those that can be read, but for zeroes that are not looked at. */
  async *data(): AsyncGenerator<{ place: number; block: number; bytes: Uint8Array }> {
    const { layout, params } = this.#context;
    for (let first = 0; first < layout.columns; first += COLUMNS_AT_A_TIME) {
      if (this.#blockAt(first) >= params.dataBlocks) return;
      for (const [index, bytes] of (await this.#columns(first)).entries()) {
        const place = first + index;
        const block = this.#blockAt(place);
        if (bytes !== null && block < params.dataBlocks) yield { place, block, bytes };
      }
      await setImmediate();
    }
  }

  #blockAt(place: number): number {
    return this.number + place * this.#context.layout.rounds;
  }

  /** Some of the message, column by column; null: zeroes, or what takes their place. */
  #columns(first: number): Promise<(Uint8Array | null)[]> {
    const count = Math.min(COLUMNS_AT_A_TIME, this.#context.layout.columns - first);
    return Promise.all(Array.from({ length: count }, (_, at) => this.#column(first + at)));
  }

  async #column(place: number): Promise<Uint8Array | null> {
    const { layout } = this.#context;
    const block = this.#blockAt(place);
    if (block >= layout.blocks) return null;
    try {
      const bytes = await readCovered(this.#context, block, 1);
      return (await this.#isZero(block)) ? null : bytes;
    } catch {
      if (!this.unreadable.includes(place)) this.unreadable.push(place);
      return null;
    }
  }

  /** A block of data that is known to be zeroes is taken for zeroes, whatever it holds. */
  async #isZero(block: number): Promise<boolean> {
    const { zeroDigest, digestOf, params } = this.#context;
    if (zeroDigest === null || block >= params.dataBlocks) return false;
    const digest = await digestOf(block, this.#mending).catch(() => null);
    return digest !== null && Buffer.compare(digest, zeroDigest) === 0;
  }
}
