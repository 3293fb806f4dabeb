import { swapped } from './scratch.ts';
import type { Tweak } from './tweaked-mode.ts';
import type { IvTable } from './iv-table.ts';

/** Bits of a block. */
const BITS = 128;

/**
 * The masks of LRW: the second key times the index of the block in GF(2^128), most significant bit first; the index is the IV and
 * grows by one from block to block. Source: the kernel's crypto/lrw.c.
 */
export class LrwTweak implements Tweak {
  /** The key times each power of two, four words each, the most significant first. */
  readonly #powers: Int32Array = new Int32Array(BITS * 4);
  /** The key times 2^(n+1) - 1: what a step changes that turns n ones into zeroes and the zero before them into a one. */
  readonly #steps: Int32Array = new Int32Array(BITS * 4);
  readonly #blocks: number;
  readonly #index: Int32Array = new Int32Array(4);
  readonly #mask: Int32Array = new Int32Array(4);

  /** `key`: 16 bytes, which are not kept. `blocks`: 16 bytes each, in a sector. */
  constructor(key: Uint8Array, blocks: number) {
    this.#blocks = blocks;
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    const power = Int32Array.from({ length: 4 }, (_, word) => view.getInt32(word * 4));
    const sum = new Int32Array(4);
    for (let bit = 0; bit < BITS; bit++) {
      for (let word = 0; word < 4; word++) {
        sum[word]! ^= power[word]!;
        this.#powers[bit * 4 + word] = power[word]!;
        this.#steps[bit * 4 + word] = sum[word]!;
      }
      double(power);
    }
    power.fill(0);
    sum.fill(0);
  }

  fill(masks: Int32Array, ivs: IvTable, first: number, sectors: number): void {
    const mask = this.#mask;
    let at = 0;
    for (let sector = first; sector < first + sectors; sector++) {
      this.#begin(ivs.words, sector * 4);
      for (const end = at + this.#blocks * 4; at < end; at += 4) {
        for (let word = 0; word < 4; word++) masks[at + word] = swapped(mask[word]!);
        this.#step();
      }
    }
  }

  close(): void {
    for (const table of [this.#powers, this.#steps, this.#mask]) table.fill(0);
  }

  /** Takes the index from the IV and multiplies the key by it. */
  #begin(ivs: Int32Array, at: number): void {
    this.#mask.fill(0);
    for (let word = 0; word < 4; word++) {
      const bits = swapped(ivs[at + word]!);
      this.#index[word] = bits;
      for (let bit = 0; bit < 32; bit++) {
        if ((bits >>> bit) & 1) this.#add(this.#powers, (3 - word) * 32 + bit);
      }
    }
  }

  #step(): void {
    const index = this.#index;
    let ones = 0;
    for (let word = 3; word >= 0; word--) {
      const before = index[word]!;
      index[word] = before + 1;
      if (before !== -1) {
        ones += 31 - Math.clz32(~before & (before + 1));
        break;
      }
      ones += 32;
    }
    // The last index of all is followed by zero; the key times 2^128 - 1 goes away with it.
    this.#add(this.#steps, Math.min(ones, BITS - 1));
  }

  #add(table: Int32Array, row: number): void {
    for (let word = 0; word < 4; word++) this.#mask[word]! ^= table[row * 4 + word]!;
  }
}

/** Times x, modulo x^128 + x^7 + x^2 + x + 1. */
function double(value: Int32Array): void {
  const carry = (value[0]! >> 31) & 0x87;
  for (let word = 0; word < 3; word++) value[word] = (value[word]! << 1) | (value[word + 1]! >>> 31);
  value[3] = (value[3]! << 1) ^ carry;
}
