/** Sectors of a page: 16 MiB of the device, and 4 KiB of bits. */
export const PAGE_SECTORS = 32_768;

const WORD_BITS = 32;

/** One bit for each sector of a page. */
interface Page {
  readonly words: Uint32Array;
  /** Bits that are set. */
  count: number;
}

/**
 * Which sectors were written: a bit for each, in pages that come into being with the first write to them. A page all of
 * which is written needs no bits any more, so a device that is filled from front to end costs next to nothing.
 */
export class WrittenSectors {
  /** By number; `full`: every sector. */
  readonly #pages = new Map<number, Page | 'full'>();

  /** Whether any sector of a range was written. */
  touches(sector: number, end: number): boolean {
    for (let at = sector; at < end;) {
      const number = Math.floor(at / PAGE_SECTORS);
      const begin = number * PAGE_SECTORS;
      const stop = Math.min(end, begin + PAGE_SECTORS);
      const page = this.#pages.get(number);
      if (page === 'full' || (page !== undefined && hasBits(page.words, at - begin, stop - begin)))
        return true;
      at = stop;
    }
    return false;
  }

  /** Notes the sectors of a range. */
  add(sector: number, end: number): void {
    for (let at = sector; at < end;) {
      const number = Math.floor(at / PAGE_SECTORS);
      const begin = number * PAGE_SECTORS;
      const stop = Math.min(end, begin + PAGE_SECTORS);
      this.#addToPage(number, at - begin, stop - begin);
      at = stop;
    }
  }

  #addToPage(number: number, from: number, to: number): void {
    const known = this.#pages.get(number);
    if (known === 'full') return;
    if (to - from === PAGE_SECTORS) {
      this.#pages.set(number, 'full');
      return;
    }
    const page = known ?? { words: new Uint32Array(PAGE_SECTORS / WORD_BITS), count: 0 };
    page.count += setBits(page.words, from, to);
    this.#pages.set(number, page.count === PAGE_SECTORS ? 'full' : page);
  }
}

/** The bits of a word that lie in a range of bits of the page. */
function maskOf(word: number, from: number, to: number): number {
  const first = Math.max(0, from - word * WORD_BITS);
  const last = Math.min(WORD_BITS, to - word * WORD_BITS);
  const upTo = last === WORD_BITS ? -1 : (1 << last) - 1;
  return upTo & (-1 << first);
}

function hasBits(words: Uint32Array, from: number, to: number): boolean {
  for (let word = Math.floor(from / WORD_BITS); word * WORD_BITS < to; word++) {
    if ((words[word]! & maskOf(word, from, to)) !== 0) return true;
  }
  return false;
}

/** How many were not set before. */
function setBits(words: Uint32Array, from: number, to: number): number {
  let added = 0;
  for (let word = Math.floor(from / WORD_BITS); word * WORD_BITS < to; word++) {
    const mask = maskOf(word, from, to);
    added += countBits(mask & ~words[word]!);
    words[word]! |= mask;
  }
  return added;
}

function countBits(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
