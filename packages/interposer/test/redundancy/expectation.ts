import { checkSector, stampSector } from '@interposer/conformance';
import { SECTOR_SIZE } from '@interposer/core';

/** Where a stamp has the number of the write that put it there. */
const NUMBER_AT = 8;

/** The number of zeroes, which is what a discard may leave, or not. */
export const ZEROES = 0;
const ZERO_SECTOR = new Uint8Array(SECTOR_SIZE);

/** What the sectors of a disk may hold: numbers of the writes that put it there, the oldest first, most often one. */
export class Expectation {
  readonly #allowed: number[][];

  constructor(allowed: readonly (readonly number[])[]) {
    this.#allowed = allowed.map((numbers) => [...numbers]);
  }

  /** All sectors hold what one write put there. */
  static of(sectors: number, number: number): Expectation {
    return new Expectation(Array.from({ length: sectors }, () => [number]));
  }

  copy(): Expectation {
    return new Expectation(this.#allowed);
  }

  /** A write is under way: its sectors hold what they held or what it puts there, each for itself. */
  sent(sector: number, count: number, number: number): void {
    for (let at = sector; at < sector + count; at++) this.#allowed[at]!.push(number);
  }

  /** What a write put there is there to stay, but for writes that came later. */
  settled(sector: number, count: number, number: number): void {
    for (let at = sector; at < sector + count; at++) {
      const numbers = this.#allowed[at]!;
      numbers.splice(0, Math.max(0, numbers.indexOf(number)));
    }
  }

  /** The numbers found in the sectors from one on; throws where one holds anything else than it may. */
  check(name: string, data: Uint8Array, first = 0): number[] {
    return Array.from({ length: data.length / SECTOR_SIZE }, (_, index) => {
      const sector = first + index;
      const numbers = this.#allowed[sector]!;
      const found = numberAt(data, index, sector, name);
      if (numbers.includes(found)) return found;
      throw new Error(
        `sector ${String(sector)} of ${name} holds write ${String(found)}, and may hold ${numbers.join(', ')}`,
      );
    });
  }

  /** What was found is what the sectors from one on hold from now on. */
  adopt(found: readonly number[], first = 0): void {
    for (const [index, number] of found.entries()) this.#allowed[first + index] = [number];
  }
}

/** Sectors stamped by one write. */
export function stamped(sector: number, count: number, number: number): Uint8Array {
  const data = new Uint8Array(count * SECTOR_SIZE);
  for (let i = 0; i < count; i++) stampSector(data, i * SECTOR_SIZE, sector + i, number);
  return data;
}

/** The write that a sector is of; throws where it is damaged or that of another place. */
export function numberAt(data: Uint8Array, index: number, sector: number, name: string): number {
  const offset = index * SECTOR_SIZE;
  if (Buffer.compare(data.subarray(offset, offset + SECTOR_SIZE), ZERO_SECTOR) === 0) return ZEROES;
  const number = new DataView(data.buffer, data.byteOffset + offset).getUint32(NUMBER_AT, true);
  const problem = checkSector(data, offset, sector, number);
  if (problem !== undefined) throw new Error(`${name}: ${problem}`);
  return number;
}
