import { SECTOR_SIZE } from '@interposer/core';

/** Sectors of the superblock. */
export const SUPERBLOCK_SECTORS = 8;

/** Metadata sectors at the start of each section of the journal. */
export const SECTION_HEADER_SECTORS = 8;

/** Bytes of a sector of the journal in front of its commit id. */
export const JOURNAL_SECTOR_DATA = 504;

/** Sectors that tags of an area are rounded up to: with `fix_padding`, and as it was before. */
const PADDING = 8;
const OLD_PADDING = 256;

const MOST_INITIAL_SECTORS = 2 ** 32 - 1;

/** What a superblock says of how its device is laid out. */
export interface Geometry {
  /** Bytes kept beside each block. */
  readonly tagSize: number;
  readonly blockSectors: number;
  /** Sectors of data between two runs of tags; a power of two. */
  readonly interleave: number;
  readonly journalSections: number;
  readonly fixedPadding: boolean;
}

/** Where the device is. All numbers are sectors. */
export interface Place {
  /** Sectors at the start of the device that are not used. */
  readonly start: number;
  /** Of the whole device. */
  readonly deviceSectors: number;
}

/** How big the sections of a journal are. */
export interface SectionLayout {
  /** Bytes of an entry: its sector, the last bytes of each sector of the block, and the tag. */
  readonly entrySize: number;
  readonly entries: number;
  readonly sectors: number;
}

/** Kernel: calculate_journal_section_size. */
export function sectionLayout({ tagSize, blockSectors }: Geometry): SectionLayout {
  const entrySize = Math.ceil((8 + 8 * blockSectors + tagSize) / 8) * 8;
  const entries = Math.floor(JOURNAL_SECTOR_DATA / entrySize) * SECTION_HEADER_SECTORS;
  return { entrySize, entries, sectors: entries * blockSectors + SECTION_HEADER_SECTORS };
}

/**
 * Where things lie on a device: superblock, journal, then areas, each a run of tags and the sectors they belong to.
 * Kernel: get_data_sector, get_metadata_sector_and_offset.
 */
export class Layout {
  readonly geometry: Geometry;
  readonly section: SectionLayout;
  /** Sectors that the journal has. */
  readonly journalSectors: number;
  /** Sectors that can hold data. */
  readonly providedSectors: number;
  /** Sectors of a page of tags: they are read and written in pages. */
  readonly pageSectors: number;
  readonly #place: Place;
  /** Sectors in front of the first area. */
  readonly #initial: number;
  /** Sectors of the tags of an area. */
  readonly #run: number;

  /** `bufferSectors`, a power of two, is the most that a page has. */
  constructor(geometry: Geometry, place: Place, bufferSectors: number) {
    this.geometry = geometry;
    this.#place = place;
    this.section = sectionLayout(geometry);
    this.journalSectors = this.section.sectors * geometry.journalSections;
    this.#initial = SUPERBLOCK_SECTORS + this.journalSectors;
    this.#run = runSectors(geometry);
    // The runs begin at multiples of a page.
    this.pageSectors = Math.min(bufferSectors, this.#run & -this.#run);
    this.providedSectors = this.#mostSectors();
  }

  /** Whether there is room for anything. */
  get fits(): boolean {
    return this.providedSectors > 0;
  }

  get pageBytes(): number {
    return this.pageSectors * SECTOR_SIZE;
  }

  /** Where a sector lies on the device. */
  dataSector(sector: number): number {
    const { interleave } = this.geometry;
    return this.#place.start + this.#initial + sector + (Math.floor(sector / interleave) + 1) * this.#run;
  }

  /** Where the tag of the block at a sector lies, in bytes from the first page. Tags of an area follow one another. */
  tagOffset(sector: number): number {
    const { interleave, blockSectors, tagSize } = this.geometry;
    const area = Math.floor(sector / interleave);
    const page = Math.floor((area * (interleave + this.#run)) / this.pageSectors);
    return page * this.pageBytes + ((sector - area * interleave) / blockSectors) * tagSize;
  }

  /** Where a page of tags lies on the device. */
  pageSector(page: number): number {
    return this.#place.start + this.#initial + page * this.pageSectors;
  }

  /** Where a sector of a section of the journal lies on the device. */
  journalSector(section: number, sector: number): number {
    return this.#place.start + SUPERBLOCK_SECTORS + section * this.section.sectors + sector;
  }

  /** Kernel: get_provided_data_sectors. Sizes are found bit by bit, down to 8 sectors. */
  #mostSectors(): number {
    let most = 0;
    const highest = Math.floor(Math.log2(this.#place.deviceSectors));
    for (let bit = highest; bit >= 3; bit--) if (this.#isRoom(most + 2 ** bit)) most += 2 ** bit;
    return most;
  }

  #isRoom(sectors: number): boolean {
    const { deviceSectors } = this.#place;
    const isRoom = this.#initial + PADDING < deviceSectors && this.#initial <= MOST_INITIAL_SECTORS;
    return isRoom && this.dataSector(sectors - 1) < deviceSectors;
  }
}

function runSectors({ tagSize, blockSectors, interleave, fixedPadding }: Geometry): number {
  const bytes = tagSize * (interleave / blockSectors);
  const padding = fixedPadding ? PADDING : OLD_PADDING;
  return Math.ceil(bytes / SECTOR_SIZE / padding) * padding;
}
