import { setImmediate } from 'node:timers/promises';
import { BlockHasher, type FecLayout, ReedSolomon } from '@interposer/format-verity';
import { Mending } from './mending.ts';
import { Round, type RoundContext } from './round.ts';

/** Words that are worked on before others get their turn. */
const WORDS_AT_A_TIME = 512;

/** What repair needs to know. */
export interface RepairContext extends RoundContext {
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

  /** A block of data as it must be, which has its digest; null where it is not to be had. */
  dataBlock(block: number, wanted: Uint8Array): Promise<Uint8Array | null> {
    return this.#mend(block, wanted, new Mending());
  }

  /** The same for a block of the tree, by its number on the hash device. `within`: the repair that needs it. */
  async hashBlock(number: number, wanted: Uint8Array, within: Mending | null): Promise<Uint8Array | null> {
    const { params, hashStart } = this.#context;
    const mending = within ?? new Mending();
    const inside = mending.inside(number);
    if (inside === null) return null;
    const mended = await this.#mend(number - hashStart + params.dataBlocks, wanted, inside);
    mending.ended(number, mended !== null);
    return mended;
  }

  async #mend(covered: number, wanted: Uint8Array, mending: Mending): Promise<Uint8Array | null> {
    const { rounds } = this.#layout;
    const round = new Round(this.#context, this.#code, covered % rounds, mending);
    const place = Math.floor(covered / rounds);
    const found = await round.read(place);
    if (found === null) return null;
    // To find bad neighbours takes hashing them all, so it is tried without first.
    return (
      (await this.#attempt(round, place, found, wanted, [])) ??
      (await this.#attempt(round, place, found, wanted, await this.#erasures(round, mending)))
    );
  }

  async #attempt(
    round: Round,
    place: number,
    found: Uint8Array,
    wanted: Uint8Array,
    erasures: readonly number[],
  ): Promise<Uint8Array | null> {
    const block = new Uint8Array(found);
    let wrong = 0;
    for (let word = 0; word < this.#blockSize; word += WORDS_AT_A_TIME) {
      const corrected = round.syndromes.repair(block, place, erasures, word, word + WORDS_AT_A_TIME);
      if (corrected < 0) return null;
      wrong += corrected;
      await setImmediate();
    }
    if (!this.#hasher.matches(block, 0, wanted, 0)) return null;
    const first = round.number * this.#blockSize;
    this.#context.log(
      `${this.#context.data.device.number}: FEC ${String(first)}: corrected ${String(wrong)} errors`,
    );
    return block;
  }

  /** Places of a round that could not be read, or hold data that has not its digest. */
  async #erasures(round: Round, mending: Mending): Promise<readonly number[]> {
    const erasures = [...round.unreadable];
    for await (const { place, block, bytes } of round.data()) {
      // One more than can be put right is enough to know that it cannot be.
      if (erasures.length > this.#layout.roots) break;
      if (!erasures.includes(place) && (await this.#isBad(block, bytes, mending))) erasures.push(place);
    }
    return erasures;
  }

  async #isBad(block: number, bytes: Uint8Array, mending: Mending): Promise<boolean> {
    try {
      return !this.#hasher.matches(bytes, 0, await this.#context.digestOf(block, mending), 0);
    } catch {
      // The tree does not tell.
      return false;
    }
  }
}
