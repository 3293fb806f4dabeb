import { fail, type Port, SECTOR_SIZE, type TargetContext } from '@interposer/core';
import { checkLength, type IntegrityTable } from './integrity.ts';
import { type Geometry, Layout, type Place, SUPERBLOCK_SECTORS, sectionLayout } from './layout.ts';
import { type IntegrityOptions, readMode, readOptions, readTagSize } from './options.ts';
import { emptySection } from './replay.ts';
import { isBlank, makeSuperblock, readSuperblock, type Superblock, SuperblockFlag } from './superblock.ts';

/** The journal of a device has this part of it, and at most so many sectors. */
const JOURNAL_PART = 128;
const MOST_JOURNAL = 131072;

const LARGEST_BLOCK_SECTORS = 8;

/** What the parser makes of a line's arguments. */
export interface IntegrityArgs {
  readonly device: Port;
  readonly offset: number;
  readonly tag_size: string;
  readonly mode: string;
  readonly count: string;
  readonly options: readonly string[];
}

/** Reads what a table line is for; a device that is blank is formatted. Kernel: dm_integrity_ctr. */
export async function openDevice(context: TargetContext, args: IntegrityArgs): Promise<IntegrityTable> {
  const { device, offset: start } = args;
  const mode = readMode(args.mode);
  const options = readOptions(args.count, args.options);
  const tagSize = readTagSize(args.tag_size);
  const place = { start, deviceSectors: device.limits.sectors };
  checkBlock(device, options);
  const found = await findSuperblock(device, start);
  if (found === undefined && mode === 'R') throw notInitialized('it is blank, and mode R writes nothing');
  const superblock = found ?? planned(tagSize, options, place);
  checkSuperblock(superblock, tagSize, options);
  const layout = new Layout(superblock, place, options.bufferSectors);
  if (!layout.fits) throw fail('EINVAL', `The device is too small: ${String(place.deviceSectors)} sectors`);
  checkPages(layout);
  checkLength(context, layout);
  if (found === undefined) await format(device, start, superblock, layout);
  return { device, start, mode, options, superblock, layout };
}

/** The kernel takes such a device, and writes tags of one area over data of another. */
function checkPages({ geometry: { interleave }, pageSectors, providedSectors }: Layout): void {
  if (interleave >= pageSectors || providedSectors <= interleave) return;
  throw fail(
    'EINVAL',
    `buffer_sectors:${String(pageSectors)} is more than interleave_sectors:${String(interleave)}: tags would overwrite data`,
  );
}

/** Undefined where there is none. */
async function findSuperblock(device: Port, start: number): Promise<Superblock | undefined> {
  if (start + SUPERBLOCK_SECTORS > device.limits.sectors)
    throw fail(
      'EIO',
      `Error reading superblock: the device ends before sector ${String(start + SUPERBLOCK_SECTORS)}`,
    );
  const bytes = await device.read(start, SUPERBLOCK_SECTORS);
  return isBlank(bytes) ? undefined : readSuperblock(bytes);
}

function planned(tagSize: number, options: IntegrityOptions, place: Place): Superblock {
  const { blockSectors, interleave, fixPadding: fixedPadding, bufferSectors } = options;
  const wanted =
    options.journalSectors ?? Math.min(MOST_JOURNAL, Math.floor(place.deviceSectors / JOURNAL_PART));
  const base: Geometry = { tagSize, blockSectors, interleave, fixedPadding, journalSections: 1 };
  const journalSections = Math.max(1, Math.floor(wanted / sectionLayout(base).sectors));
  const geometry = { ...base, journalSections };
  const layout = new Layout(geometry, place, bufferSectors);
  if (layout.fits) return makeSuperblock(geometry, layout);
  throw fail(
    'EINVAL',
    `Could not initialize superblock: ${String(place.deviceSectors)} sectors are too few for a journal of ${String(wanted)} and tags`,
  );
}

/** Kernel: what dm_integrity_ctr asks of a superblock. */
function checkSuperblock(superblock: Superblock, tagSize: number, options: IntegrityOptions): void {
  const { flags } = superblock;
  if ((flags & SuperblockFlag.Inline) !== 0) throw fail('EINVAL', 'Inline flag mismatch');
  if (superblock.tagSize !== tagSize)
    throw fail(
      'EINVAL',
      `Tag size doesn't match the information in superblock: it is ${String(superblock.tagSize)}`,
    );
  if (superblock.blockSectors !== options.blockSectors) {
    throw fail(
      'EINVAL',
      `Block size doesn't match the information in superblock: it is ${String(superblock.blockSectors * SECTOR_SIZE)}`,
    );
  }
  if (superblock.journalSections === 0) throw fail('EINVAL', 'Corrupted superblock, journal_sections is 0');
  if ((flags & SuperblockFlag.JournalMac) !== 0)
    throw fail(
      'ENOTSUP',
      'Journal mac mismatch: the journal of this device has MACs, which are not supported',
    );
  if ((flags & SuperblockFlag.Recalculating) !== 0)
    throw fail('EINVAL', 'Recalculate can only be specified with internal_hash, which is not supported');
  if ((flags & SuperblockFlag.DirtyBitmap) !== 0)
    throw fail('ENOTSUP', 'this device was last used in mode B, which is not supported');
}

function checkBlock(device: Port, { blockSectors }: IntegrityOptions): void {
  const block = device.limits.logicalBlock / SECTOR_SIZE;
  if (block <= LARGEST_BLOCK_SECTORS && block <= blockSectors) return;
  throw fail(
    'EINVAL',
    `Invalid block_size argument: the blocks of ${device.device.name} have ${String(device.limits.logicalBlock)} bytes`,
  );
}

/** The superblock comes last: what is cut short is blank still. */
async function format(device: Port, start: number, superblock: Superblock, layout: Layout): Promise<void> {
  for (let number = 0; number < superblock.journalSections; number++)
    await device.write(layout.journalSector(number, 0), emptySection(number, layout, 0).bytes);
  await device.flush();
  await device.write(start, superblock.bytes);
  await device.flush();
}

function notInitialized(why: string): Error {
  return fail('EINVAL', `The device is not initialized: ${why}`);
}
