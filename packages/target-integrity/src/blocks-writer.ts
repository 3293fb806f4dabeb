import { type Port, SECTOR_SIZE } from '@interposer/core';
import type { Section } from './journal-format.ts';
import type { Layout } from './layout.ts';
import type { TagPages } from './tag-pages.ts';

/** A block of a section, and where it belongs. */
interface Found {
  readonly sector: number;
  readonly entry: number;
}

/** Bytes of data that are written at a time. */
const MOST_RUN = 2 ** 20;

/**
 * Writes the blocks of a section to their places, of one that is there twice the later one, and puts their tags into the pages:
 * stable once those and the device are flushed. Entries for which `isMeant` is false are left out.
 */
export async function writeBlocks(
  section: Section,
  layout: Layout,
  port: Port,
  tags: TagPages,
  isMeant: (sector: number, entry: number) => boolean,
): Promise<void> {
  const { blockSectors, interleave, tagSize } = layout.geometry;
  const most = Math.max(1, MOST_RUN / SECTOR_SIZE / blockSectors);
  const found = blocksOf(section, layout, isMeant);
  for (let at = 0; at < found.length;) {
    const { sector } = found[at]!;
    const run = Math.floor(sector / interleave);
    let count = 1;
    while (
      count < most &&
      found[at + count]?.sector === sector + count * blockSectors &&
      Math.floor((sector + count * blockSectors) / interleave) === run
    )
      count++;
    const data = new Uint8Array(count * blockSectors * SECTOR_SIZE);
    const runTags = new Uint8Array(count * tagSize);
    for (let index = 0; index < count; index++) {
      const { entry } = found[at + index]!;
      const tagAt = section.tagAt(entry);
      section.takeBlock(entry, data, index * blockSectors * SECTOR_SIZE);
      runTags.set(section.bytes.subarray(tagAt, tagAt + tagSize), index * tagSize);
    }
    await port.write(layout.dataSector(sector), data);
    await tags.put(layout.tagOffset(sector), runTags);
    at += count;
  }
}

/** By sector, each once. */
function blocksOf(
  section: Section,
  layout: Layout,
  isMeant: (sector: number, entry: number) => boolean,
): readonly Found[] {
  const bySector = new Map<number, Found>();
  for (let entry = 0; entry < layout.section.entries; entry++) {
    const sector = section.sectorOf(entry);
    if (sector >= 0 && isMeant(sector, entry)) bySector.set(sector, { sector, entry });
  }
  return [...bySector.values()].sort((a, b) => a.sector - b.sector);
}
