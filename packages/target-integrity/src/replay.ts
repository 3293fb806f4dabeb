import { type Port, SECTOR_SIZE } from '@interposer/core';
import { writeBlocks } from './blocks-writer.ts';
import { nextSequence, previousSequence, Section, SEQUENCES } from './journal-format.ts';
import type { Layout } from './layout.ts';
import type { TagPages } from './tag-pages.ts';

/** Where a journal goes on: its next section, and the sequence that is committed with. */
export interface JournalStart {
  readonly section: number;
  readonly sequence: number;
}

/** What a look at the whole journal found. */
interface Scan {
  /** A sector whose commit id is none: nothing of it can be told. */
  readonly broken: boolean;
  readonly empty: boolean;
  /** Of each section the sequence of all its sectors, or -1. */
  readonly whole: readonly number[];
  /** The last section that has a sector of each sequence, or -1. */
  readonly last: readonly number[];
}

/** Sections that are read at a time have so many sectors. */
const READ_SECTORS = 2048;

/**
 * The journal of a device that comes: what was committed and may not be in its place is written there, and what was not is
 * forgotten. `keeps` says that it goes on from there; else it is emptied, so that it is never written over what comes
 * without it. Kernel: replay_journal.
 */
export class Replay {
  readonly #layout: Layout;
  readonly #port: Port;
  readonly #tags: TagPages;
  readonly #keeps: boolean;

  constructor(layout: Layout, port: Port, tags: TagPages, keeps: boolean) {
    this.#layout = layout;
    this.#port = port;
    this.#tags = tags;
    this.#keeps = keeps;
  }

  async run(): Promise<JournalStart> {
    const { journalSections } = this.#layout.geometry;
    const scan = await this.#scan();
    const used = scan.last.map((section) => section >= 0);
    if (scan.broken || used.every(Boolean)) return this.#clear(0, 0);
    const lastUsed = previousSequence(firstUnused(used));
    const before = previousSequence(lastUsed);
    const empty = scan.empty || (!used[before] && used[previousSequence(before)] === true);
    const start = (scan.last[lastUsed]! + 1) % journalSections;
    const first = start === 0 ? lastUsed : before;
    const committed = countCommitted(scan.whole, start, first);
    if (!empty) await this.#write(start, committed);
    if (committed < journalSections || !(this.#keeps || empty)) return this.#clear(lastUsed, start);
    return { section: start, sequence: nextSequence(first) };
  }

  async #scan(): Promise<Scan> {
    const { section: size, geometry } = this.#layout;
    const whole: number[] = [];
    const last = new Array<number>(SEQUENCES).fill(-1);
    let broken = false;
    let empty = true;
    for await (const section of this.#sections(0, geometry.journalSections)) {
      const sequences = Array.from({ length: size.sectors }, (_, sector) => section.sequenceOf(sector));
      for (const sequence of sequences) if (sequence >= 0) last[sequence] = section.number;
      broken ||= sequences.includes(-1);
      whole.push(sequences.every((sequence) => sequence === sequences[0]) ? sequences[0]! : -1);
      for (let entry = 0; entry < size.entries && empty; entry++) empty = section.sectorOf(entry) < 0;
    }
    return { broken, empty, whole, last };
  }

  /** From the oldest section on, round the journal. */
  async #write(start: number, count: number): Promise<void> {
    const { journalSections, blockSectors } = this.#layout.geometry;
    const { providedSectors } = this.#layout;
    const isMeant = (sector: number): boolean => sector % blockSectors === 0 && sector < providedSectors;
    const toEnd = Math.min(count, journalSections - start);
    for (const [first, many] of [[start, toEnd] as const, [0, count - toEnd] as const]) {
      for await (const section of this.#sections(first, many)) {
        await writeBlocks(section, this.#layout, this.#port, this.#tags, isMeant);
      }
    }
    await this.#tags.flush();
    await this.#port.flush();
  }

  /** The oldest section goes first, and the newest one last: whenever that is cut short the rest is as good as it was. */
  async #clear(lastUsed: number, start: number): Promise<JournalStart> {
    const { journalSections } = this.#layout.geometry;
    const sequence = previousSequence(previousSequence(lastUsed));
    const order = Array.from({ length: journalSections }, (_, index) => (start + index) % journalSections);
    for (const [index, number] of order.entries()) {
      await this.#port.write(
        this.#layout.journalSector(number, 0),
        emptySection(number, this.#layout, sequence).bytes,
      );
      if (index === 0 || index >= journalSections - 2) await this.#port.flush();
    }
    return { section: 0, sequence: nextSequence(sequence) };
  }

  async *#sections(first: number, count: number): AsyncGenerator<Section> {
    const { sectors } = this.#layout.section;
    const most = Math.max(1, Math.floor(READ_SECTORS / sectors));
    for (let done = 0; done < count; done += most) {
      const many = Math.min(most, count - done);
      const bytes = await this.#port.read(this.#layout.journalSector(first + done, 0), many * sectors);
      for (let index = 0; index < many; index++) {
        const size = sectors * SECTOR_SIZE;
        yield new Section(
          first + done + index,
          this.#layout,
          bytes.subarray(index * size, (index + 1) * size),
        );
      }
    }
  }
}

/** The first of the sequences that is in no section, behind those that are. */
function firstUnused(used: readonly boolean[]): number {
  if (used[SEQUENCES - 1] === true) return used.indexOf(false);
  let unused = SEQUENCES - 1;
  while (unused > 0 && used[unused - 1] !== true) unused--;
  return unused;
}

/** How many sections from one on are whole, and of the sequence that is due. */
function countCommitted(whole: readonly number[], start: number, first: number): number {
  let sequence = first;
  for (let count = 0; count < whole.length; count++) {
    const section = (start + count) % whole.length;
    if (count > 0 && section === 0) sequence = nextSequence(sequence);
    if (whole[section] !== sequence) return count;
  }
  return whole.length;
}

/** A section with nothing in it. */
export function emptySection(number: number, layout: Layout, sequence: number): Section {
  const section = new Section(number, layout, new Uint8Array(layout.section.sectors * SECTOR_SIZE));
  section.clear(sequence);
  return section;
}
