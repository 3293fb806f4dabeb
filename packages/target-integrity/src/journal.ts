import { asError, type Timer } from '@interposer/core';
import { writeBlocks } from './blocks-writer.ts';
import { copyBytes } from './bytes.ts';
import type { JournalContext } from './journal-context.ts';
import { nextSequence, type Section } from './journal-format.ts';
import type { Layout } from './layout.ts';
import { emptySection, type JournalStart } from './replay.ts';

/**
 * Blocks with their tags, in the order they were written: first in memory, then on the device, where both are stable at once,
 * and at last in their places. Sections go round: free ones, those that are being filled, those that were committed.
 */
export class Journal {
  readonly #context: JournalContext;
  readonly #layout: Layout;
  /** Those that hold something. */
  readonly #sections: (Section | null)[];
  /** Where the newest block of a sector is: the number of its entry in the whole journal. */
  readonly #where = new Map<number, number>();
  #section = 0;
  #entry = 0;
  #sequence = 0;
  /** The first section that is full and not committed, and how many there are. */
  #fullSection = 0;
  #full = 0;
  /** The first section that is committed and not in its place, and how many there are. */
  #committedSection = 0;
  #committed = 0;
  #committing: Promise<void> | null = null;
  #emptying: Promise<void> | null = null;
  /** It is being emptied beside what else goes on. */
  #isBusy = false;
  #timer: Timer | null = null;
  /** How often blocks went to their places: whoever read there meanwhile does so once more. */
  removals = 0;

  constructor(context: JournalContext) {
    this.#context = context;
    this.#layout = context.layout;
    this.#sections = new Array<Section | null>(context.layout.geometry.journalSections).fill(null);
  }

  /** Where a replay ended. */
  start({ section, sequence }: JournalStart): void {
    this.#section = this.#fullSection = this.#committedSection = section;
    this.#sequence = sequence;
  }

  /** Blocks that it holds at most. */
  get capacity(): number {
    return this.#sections.length * this.#layout.section.entries;
  }

  /** Blocks that can be put now. */
  get room(): number {
    const free = this.#sections.length - this.#full - this.#committed;
    return free * this.#layout.section.entries - this.#entry;
  }

  /** Whether no block is in it that a read must see. */
  get isEmpty(): boolean {
    return this.#where.size === 0;
  }

  /** Takes a block, for which there is room; without a tag it has zeroes. */
  put(
    sector: number,
    from: Uint8Array,
    fromOffset: number,
    tags: Uint8Array | null,
    tagOffset: number,
  ): void {
    const { tagSize } = this.#layout.geometry;
    const { entries } = this.#layout.section;
    const section = (this.#sections[this.#section] ??= emptySection(this.#section, this.#layout, 0));
    section.putBlock(this.#entry, sector, from, fromOffset);
    if (tags !== null) copyBytes(tags, tagOffset, section.bytes, section.tagAt(this.#entry), tagSize);
    this.#where.set(sector, this.#section * entries + this.#entry);
    this.#entry++;
    if (this.#entry === entries) this.#closeSection();
    this.#timer ??= this.#context.clock.after(this.#context.commitTime, this.#onTimer);
  }

  /** To be called after puts: it goes to its place in good time. */
  settle(): void {
    const used = this.capacity - this.room;
    if (used * 100 >= this.capacity * this.#context.watermark) this.empty();
  }

  /** Copies the newest block of a sector, and its tag; false if there is none. */
  take(
    sector: number,
    to: Uint8Array,
    toOffset: number,
    tags: Uint8Array | null,
    tagOffset: number,
  ): boolean {
    const where = this.#where.get(sector);
    if (where === undefined) return false;
    const { entries } = this.#layout.section;
    const entry = where % entries;
    const section = this.#sections[(where - entry) / entries]!;
    section.takeBlock(entry, to, toOffset);
    const { tagSize } = this.#layout.geometry;
    if (tags !== null) copyBytes(section.bytes, section.tagAt(entry), tags, tagOffset, tagSize);
    return true;
  }

  has(sector: number): boolean {
    return this.#where.has(sector);
  }

  /** Makes what was put until now stable. Rejects where it cannot be. */
  async commit(): Promise<void> {
    while (this.#committing !== null) await this.#committing.catch(() => undefined);
    if (this.#entry > 0) this.#closeSection();
    if (this.#full === 0) return;
    this.#committing = this.#commitNow();
    try {
      await this.#committing;
    } finally {
      this.#committing = null;
    }
  }

  /** Brings all to its place, beside what else goes on. */
  empty(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.drain().then(
      () => {
        this.#isBusy = false;
        this.#context.onRoom();
      },
      (error: unknown) => {
        this.#isBusy = false;
        this.#context.log(`the journal could not be written: ${asError(error).message}`);
        this.#context.onFailure();
      },
    );
  }

  /** Brings all that was put until now to its place, stable. Rejects where it cannot be. */
  async drain(): Promise<void> {
    await this.commit();
    while (this.#emptying !== null) await this.#emptying.catch(() => undefined);
    if (this.#committed === 0) return;
    this.#emptying = this.#emptyNow();
    try {
      await this.#emptying;
    } finally {
      this.#emptying = null;
    }
  }

  /** Commits nothing by itself any more, until something is put. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.commit().catch((error: unknown) => {
      this.#context.log(`the journal could not be committed: ${asError(error).message}`);
    });
  };

  /** The entries that are left hold nothing. */
  #closeSection(): void {
    this.#entry = 0;
    this.#section = this.#behind(this.#section, 1);
    this.#full++;
  }

  async #commitNow(): Promise<void> {
    const { port } = this.#context;
    const [first, count] = [this.#fullSection, this.#full];
    this.stop();
    let sequence = this.#sequence;
    const writes: Promise<void>[] = [];
    for (let index = 0; index < count; index++) {
      const number = this.#behind(first, index);
      const section = this.#sections[number]!;
      section.commit(sequence);
      writes.push(port.write(this.#layout.journalSector(number, 0), section.bytes));
      if (number === this.#sections.length - 1) sequence = nextSequence(sequence);
    }
    const results = await Promise.allSettled(writes);
    for (const result of results) if (result.status === 'rejected') throw asError(result.reason);
    await port.flush();
    this.#sequence = sequence;
    this.#fullSection = this.#behind(first, count);
    this.#full -= count;
    this.#committed += count;
  }

  /** A block that is committed again later need not go to its place before that. */
  async #emptyNow(): Promise<void> {
    const { port, tags } = this.#context;
    const { entries } = this.#layout.section;
    const [first, count] = [this.#committedSection, this.#committed];
    const isCommitted = (where: number): boolean =>
      this.#distance(first, Math.floor(where / entries)) < count;
    for (let index = 0; index < count; index++) {
      const number = this.#behind(first, index);
      await writeBlocks(this.#sections[number]!, this.#layout, port, tags, (sector, entry) => {
        const newest = this.#where.get(sector)!;
        return newest === number * entries + entry || !isCommitted(newest);
      });
    }
    await tags.flush();
    await port.flush();
    for (let index = 0; index < count; index++) this.#forget(this.#behind(first, index));
    this.removals++;
    this.#committedSection = this.#behind(first, count);
    this.#committed -= count;
  }

  #forget(number: number): void {
    const { entries } = this.#layout.section;
    const section = this.#sections[number]!;
    for (let entry = 0; entry < entries; entry++) {
      const sector = section.sectorOf(entry);
      if (this.#where.get(sector) === number * entries + entry) this.#where.delete(sector);
    }
    this.#sections[number] = null;
  }

  #behind(section: number, count: number): number {
    return (section + count) % this.#sections.length;
  }

  #distance(from: number, to: number): number {
    return (to - from + this.#sections.length) % this.#sections.length;
  }
}
