import { SECTOR_SIZE } from '@interposer/core';

/** Memory comes in pieces of so many sectors. */
const PAGE_SECTORS = 64;

/** A page: data, and which sectors of it were written. */
interface Page {
  readonly data: Uint8Array;
  readonly written: Uint8Array;
}

/** A run of sectors of which all were written, or none. */
interface ScratchRun {
  readonly start: number;
  readonly length: number;
  readonly written: boolean;
}

/** Sectors that were written on top of a disk that stays as it is. */
export class Scratch {
  readonly #pages = new Map<number, Page>();

  write(sector: number, count: number, from: Uint8Array, offset: number): void {
    this.#each(sector, count, true, (page, first, length, done) => {
      const at = offset + done * SECTOR_SIZE;
      page.data.set(from.subarray(at, at + length * SECTOR_SIZE), first * SECTOR_SIZE);
      page.written.fill(1, first, first + length);
    });
  }

  zero(sector: number, count: number): void {
    this.#each(sector, count, true, (page, first, length) => {
      page.data.fill(0, first * SECTOR_SIZE, (first + length) * SECTOR_SIZE);
      page.written.fill(1, first, first + length);
    });
  }

  /** Puts what was written into a buffer that has the rest already. */
  read(sector: number, count: number, into: Uint8Array, offset: number): void {
    if (this.#pages.size === 0) return;
    this.#each(sector, count, false, (page, first, length, done) => {
      for (let index = 0; index < length; index++) {
        if (page.written[first + index] === 0) continue;
        const at = (first + index) * SECTOR_SIZE;
        into.set(page.data.subarray(at, at + SECTOR_SIZE), offset + (done + index) * SECTOR_SIZE);
      }
    });
  }

  /** Which parts of a range were written, in order and without gaps. */
  runs(sector: number, count: number): ScratchRun[] {
    const runs: { start: number; length: number; written: boolean }[] = [];
    const add = (start: number, length: number, written: boolean): void => {
      const last = runs.at(-1);
      if (last?.written === written) last.length += length;
      else runs.push({ start, length, written });
    };
    let at = sector;
    this.#each(sector, count, false, (page, first, length, done) => {
      const start = sector + done;
      if (start > at) add(at, start - at, false);
      for (let index = 0; index < length; index++) add(start + index, 1, page.written[first + index] === 1);
      at = start + length;
    });
    if (at < sector + count) add(at, sector + count - at, false);
    return runs;
  }

  /** Gives the memory back. */
  clear(): void {
    this.#pages.clear();
  }

  /** Visits the pages of a range that are there, or makes all of them; `done` sectors of the range lie before. */
  #each(
    sector: number,
    count: number,
    make: boolean,
    visit: (page: Page, first: number, length: number, done: number) => void,
  ): void {
    for (const number of this.#numbers(sector, count, make)) {
      const start = number * PAGE_SECTORS;
      const from = Math.max(sector, start);
      const to = Math.min(sector + count, start + PAGE_SECTORS);
      visit(this.#pages.get(number) ?? this.#add(number), from - start, to - from, from - sector);
    }
  }

  /** Numbers of pages, in order. A range may be far larger than all that is there. */
  #numbers(sector: number, count: number, all: boolean): number[] {
    const first = Math.floor(sector / PAGE_SECTORS);
    const last = Math.floor((sector + count - 1) / PAGE_SECTORS);
    if (!all && last - first >= this.#pages.size) {
      return [...this.#pages.keys()].filter((one) => one >= first && one <= last).sort((a, b) => a - b);
    }
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    return all ? numbers : numbers.filter((one) => this.#pages.has(one));
  }

  #add(number: number): Page {
    const page = {
      data: new Uint8Array(PAGE_SECTORS * SECTOR_SIZE),
      written: new Uint8Array(PAGE_SECTORS),
    };
    this.#pages.set(number, page);
    return page;
  }
}
