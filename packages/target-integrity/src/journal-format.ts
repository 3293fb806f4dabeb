import { SECTOR_SIZE } from '@interposer/core';
import { JOURNAL_SECTOR_DATA, type Layout, SECTION_HEADER_SECTORS } from './layout.ts';

/** Sequences that sections are committed with, in turn. */
export const SEQUENCES = 4;

/** The upper half of the sector of an entry that holds nothing. */
const UNUSED = 0xffffffff;

/** Of an entry in front of the last bytes, and the last bytes of a sector that it keeps. */
const ENTRY_HEAD = 8;
const LAST_BYTES = 8;

/** The sequence behind another one. */
export function nextSequence(sequence: number): number {
  return (sequence + 1) % SEQUENCES;
}

/** The sequence in front of another one. */
export function previousSequence(sequence: number): number {
  return (sequence + SEQUENCES - 1) % SEQUENCES;
}

/**
 * A section of a journal: entries, each with the sector of a block and its tag, and the blocks. Each sector ends with the commit
 * id of the section; what the id took the place of stands in the entry. Kernel: struct journal_entry, struct journal_sector.
 */
export class Section {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly #layout: Layout;
  readonly #view: DataView;

  constructor(number: number, layout: Layout, bytes: Uint8Array) {
    this.number = number;
    this.bytes = bytes;
    this.#layout = layout;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** As it is when nothing was written to it. */
  clear(sequence: number): void {
    this.bytes.fill(0);
    for (let entry = 0; entry < this.#layout.section.entries; entry++) this.markUnused(entry);
    this.commit(sequence);
  }

  /** Writes the commit ids. */
  commit(sequence: number): void {
    const { sectors } = this.#layout.section;
    for (let sector = 0; sector < sectors; sector++) {
      const at = sector * SECTOR_SIZE + JOURNAL_SECTOR_DATA;
      this.#view.setUint32(at, pattern(sequence, sector), true);
      this.#view.setUint32(at + 4, pattern(sequence, this.number), true);
    }
  }

  /** The sequence that a sector was committed with, or -1. */
  sequenceOf(sector: number): number {
    const at = sector * SECTOR_SIZE + JOURNAL_SECTOR_DATA;
    const low = this.#view.getUint32(at, true);
    const high = this.#view.getUint32(at + 4, true);
    for (let sequence = 0; sequence < SEQUENCES; sequence++) {
      if (low === pattern(sequence, sector) && high === pattern(sequence, this.number)) return sequence;
    }
    return -1;
  }

  /** The sector of the block of an entry; -1: it holds nothing. */
  sectorOf(entry: number): number {
    const at = this.#entryAt(entry);
    const high = this.#view.getUint32(at + 4, true);
    return high === UNUSED ? -1 : high * 2 ** 32 + this.#view.getUint32(at, true);
  }

  markUnused(entry: number): void {
    this.#view.setUint32(this.#entryAt(entry) + 4, UNUSED, true);
  }

  /** Puts a block into an entry; its tag is put where `tagAt` says. */
  putBlock(entry: number, sector: number, from: Uint8Array, fromOffset: number): void {
    const at = this.#entryAt(entry);
    const { blockSectors } = this.#layout.geometry;
    this.#view.setUint32(at, sector % 2 ** 32, true);
    this.#view.setUint32(at + 4, Math.floor(sector / 2 ** 32), true);
    const data = this.#dataAt(entry);
    this.bytes.set(from.subarray(fromOffset, fromOffset + blockSectors * SECTOR_SIZE), data);
    for (let index = 0; index < blockSectors; index++) {
      const last = data + index * SECTOR_SIZE + JOURNAL_SECTOR_DATA;
      this.bytes.copyWithin(at + ENTRY_HEAD + index * LAST_BYTES, last, last + LAST_BYTES);
    }
  }

  /** Takes the block of an entry out. */
  takeBlock(entry: number, to: Uint8Array, toOffset: number): void {
    const at = this.#entryAt(entry) + ENTRY_HEAD;
    const { blockSectors } = this.#layout.geometry;
    const data = this.#dataAt(entry);
    to.set(this.bytes.subarray(data, data + blockSectors * SECTOR_SIZE), toOffset);
    for (let index = 0; index < blockSectors; index++) {
      const last = at + index * LAST_BYTES;
      to.set(
        this.bytes.subarray(last, last + LAST_BYTES),
        toOffset + index * SECTOR_SIZE + JOURNAL_SECTOR_DATA,
      );
    }
  }

  /** Where the tag of an entry lies in `bytes`. */
  tagAt(entry: number): number {
    return this.#entryAt(entry) + ENTRY_HEAD + LAST_BYTES * this.#layout.geometry.blockSectors;
  }

  /** Entries go round the metadata sectors. */
  #entryAt(entry: number): number {
    const sector = entry % SECTION_HEADER_SECTORS;
    return sector * SECTOR_SIZE + Math.floor(entry / SECTION_HEADER_SECTORS) * this.#layout.section.entrySize;
  }

  #dataAt(entry: number): number {
    return (SECTION_HEADER_SECTORS + entry * this.#layout.geometry.blockSectors) * SECTOR_SIZE;
  }
}

/** Half a commit id: 0x11111111 and so on, with what it stands in. */
function pattern(sequence: number, number: number): number {
  return (((sequence + 1) * 0x11111111) ^ number) >>> 0;
}
