import { type Bio, BioFlag, BioOp, SECTOR_SIZE } from '@interposer/core';
import { type ByteCorruption, type Features, PROBABILITY_BASE } from './features.ts';

/** The kernel's REQ_OP_WRITE, REQ_SYNC and REQ_FUA: those bits of bi_opf that requests have here. Somebody waits for each. */
const OPF_WRITE = 1;
const OPF_SYNC = 2 ** 11;
const OPF_FUA = 2 ** 17;

/** Changes bytes of requests: one at a fixed place, one at a random place, or both. Kernel: corrupt_bio_common. */
export class Corruption {
  readonly #fixed: ByteCorruption | undefined;
  /** By operation: reads and writes. */
  readonly #chances: readonly [reads: number, writes: number];
  readonly #random: () => number;

  /** `random` gives numbers from 0 up to 1, without 1. */
  constructor({ corruption, randomRead, randomWrite }: Features, random: () => number) {
    this.#fixed = corruption;
    this.#chances = [randomRead, randomWrite];
    this.#random = random;
  }

  /** Whether it may change requests of that operation at all. */
  concerns(op: BioOp): boolean {
    if (op !== BioOp.Read && op !== BioOp.Write) return false;
    return this.#chances[op] > 0 || directionOf(op) === this.#fixed?.direction;
  }

  /** Whether the byte at the fixed place of this request is changed. */
  hitsFixed({ op, flags, count }: Bio): boolean {
    const fixed = this.#fixed;
    if (directionOf(op) !== fixed?.direction) return false;
    const opf = OPF_SYNC | (op === BioOp.Write ? OPF_WRITE : 0) | ((flags & BioFlag.Fua) === 0 ? 0 : OPF_FUA);
    return (opf & fixed.flags) === fixed.flags && fixed.byte <= count * SECTOR_SIZE;
  }

  /** Whether a byte of this request is changed at random; decided anew at each call. */
  hitsRandom({ op }: Bio): boolean {
    const chance = op === BioOp.Read ? this.#chances[0] : this.#chances[1];
    return chance > 0 && Math.floor(this.#random() * PROBABILITY_BASE) < chance;
  }

  changeFixed({ buffer, bufferOffset }: Bio): void {
    const { byte, value } = this.#fixed!;
    buffer[bufferOffset + byte - 1] = value;
  }

  /** Any byte of it becomes any value, perhaps the one it had. */
  changeRandom({ buffer, bufferOffset, count }: Bio): void {
    const at = Math.floor(this.#random() * count * SECTOR_SIZE);
    buffer[bufferOffset + at] = Math.floor(this.#random() * 256);
  }
}

function directionOf(op: BioOp): 'r' | 'w' {
  return op === BioOp.Read ? 'r' : 'w';
}
