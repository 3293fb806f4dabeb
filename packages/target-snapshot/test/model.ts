import type { Port, Random } from '@interposer/core';
import { BioFlag } from '@interposer/core';
import { numbersIn, sectorsOf } from './world.ts';

/** What a device may hold: the numbers that each sector may be filled with, most often one. */
export class Model {
  readonly name: string;
  readonly sectors: (readonly number[])[];
  /** Writes under way: their sectors, and what they fill them with. */
  readonly writes = new Set<{ readonly sector: number; readonly numbers: readonly number[] }>();
  /** Reads under way. */
  readonly reads = new Set<{ readonly sector: number; readonly count: number }>();
  /** Its store may have failed: it may be gone, but never wrong. */
  mayFail = false;

  constructor(name: string, sectors: readonly (readonly number[])[]) {
    this.name = name;
    this.sectors = [...sectors];
  }

  /** A snapshot of it as it is now: what is under way may be in it or not. */
  snapshot(name: string): Model {
    const copy = new Model(name, this.sectors);
    for (const { sector, numbers } of this.writes) {
      numbers.forEach((number, index) => {
        copy.allow(sector + index, number);
      });
    }
    return copy;
  }

  /** A sector may hold this as well. */
  allow(sector: number, number: number): void {
    this.sectors[sector] = [...new Set([...this.sectors[sector]!, number])];
  }

  /** Whether nothing under way is in the way of a write. */
  isFree(sector: number, count: number): boolean {
    return this.isQuiet(sector, count) && ![...this.reads].some((one) => overlap(one, { sector, count }));
  }

  /** The same for a read. */
  isQuiet(sector: number, count: number): boolean {
    return ![...this.writes].some((one) =>
      overlap({ sector: one.sector, count: one.numbers.length }, { sector, count }),
    );
  }

  async write(port: Port, sector: number, numbers: readonly number[], fua = false): Promise<void> {
    const write = { sector, numbers };
    this.writes.add(write);
    try {
      await port.write(sector, sectorsOf(numbers), fua ? BioFlag.Fua : 0);
      for (const [index, number] of numbers.entries()) this.sectors[sector + index] = [number];
    } catch (error) {
      if (!this.mayFail) throw error;
      for (const [index, number] of numbers.entries()) this.allow(sector + index, number);
    } finally {
      this.writes.delete(write);
    }
  }

  async read(port: Port, sector: number, count: number): Promise<void> {
    const read = { sector, count };
    this.reads.add(read);
    try {
      this.check(sector, numbersIn(await port.read(sector, count)));
    } catch (error) {
      if (!this.mayFail || (error as { code?: string }).code !== 'EIO') throw error;
    } finally {
      this.reads.delete(read);
    }
  }

  /** A discard leaves what was there, or zeroes. */
  async discard(port: Port, sector: number, count: number): Promise<void> {
    const write = { sector, numbers: new Array<number>(count).fill(0) };
    this.writes.add(write);
    try {
      await port.discard(sector, count);
    } catch (error) {
      if (!this.mayFail) throw error;
    } finally {
      this.writes.delete(write);
    }
    for (let at = sector; at < sector + count; at++) this.allow(at, 0);
  }

  /** What was found is what it holds from now on; throws where it may not. */
  check(sector: number, numbers: readonly number[]): void {
    for (const [index, number] of numbers.entries()) {
      const allowed = this.sectors[sector + index]!;
      if (!allowed.includes(number)) {
        throw new Error(
          `sector ${String(sector + index)} of ${this.name} holds ${String(number)}, and may hold ${allowed.join(', ')}`,
        );
      }
      this.sectors[sector + index] = [number];
    }
  }
}

/** Some sectors of a device: often few, often whole chunks. */
export function someSectors(random: Random, sectors: number): readonly [sector: number, count: number] {
  const unit = random.pick([1, 1, 4, 8, 16]);
  const first = random.below(sectors / unit) * unit;
  return [first, Math.min(sectors - first, unit * random.between(1, random.pick([1, 1, 2, 6])))];
}

function overlap(
  a: { readonly sector: number; readonly count: number },
  b: { readonly sector: number; readonly count: number },
): boolean {
  return a.sector < b.sector + b.count && b.sector < a.sector + a.count;
}
