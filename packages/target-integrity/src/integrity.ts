import {
  type Area,
  type Bio,
  BioOp,
  fail,
  type Limits,
  type MapResult,
  MapResult as Result,
  type Port,
  SECTOR_SIZE,
  type Target,
  type TargetContext,
} from '@interposer/core';
import { DirectPath } from './direct-path.ts';
import { JournalPath } from './journal-path.ts';
import type { Layout } from './layout.ts';
import type { IntegrityOptions, Mode } from './options.ts';
import { Replay } from './replay.ts';
import { resized, type Superblock } from './superblock.ts';
import { TagPages } from './tag-pages.ts';

/** The largest request that is served at once, in sectors. */
const MOST_IO = 2048;

/** What a table line says, and what stands on its device. */
export interface IntegrityTable {
  readonly device: Port;
  readonly start: number;
  readonly mode: Mode;
  readonly options: IntegrityOptions;
  readonly superblock: Superblock;
  readonly layout: Layout;
}

/** Integrity data beside each block of a device. Kernel: dm-integrity.c, without an internal hash. */
export class Integrity implements Target {
  readonly maxIo: number;
  readonly #table: IntegrityTable;
  readonly #tags: TagPages;
  readonly #path: DirectPath | JournalPath;
  /** The journal was looked at, and nobody else was at work since. */
  #isReady = false;

  constructor({ clock, log }: TargetContext, table: IntegrityTable) {
    const { device, layout } = table;
    this.#table = table;
    this.#tags = new TagPages(layout, device);
    this.#path =
      table.mode === 'J'
        ? new JournalPath({ ...table.options, layout, port: device, tags: this.#tags, clock, log })
        : new DirectPath(layout, device, this.#tags, log);
    this.maxIo = Math.min(layout.geometry.interleave, MOST_IO, mostInJournal(layout));
  }

  map(bio: Bio): MapResult {
    if (this.#table.mode === 'R' && bio.op === BioOp.Write) return Result.Kill;
    return this.#path.map(bio);
  }

  /** The whole of it: what lies behind the provided sectors is padding. */
  areas(): readonly Area[] {
    const { device } = this.#table;
    return [{ port: device, start: 0, count: device.limits.sectors }];
  }

  /** Kernel: dm_integrity_io_hints, dm_integrity_set. */
  limits(stacked: Limits): Limits {
    const { blockSectors, tagSize } = this.#table.layout.geometry;
    const block = blockSectors * SECTOR_SIZE;
    return {
      ...stacked,
      logicalBlock: Math.max(stacked.logicalBlock, block),
      physicalBlock: Math.max(stacked.physicalBlock, block),
      ioMin: Math.max(stacked.ioMin, block),
      volatileCache: true,
      integrity: tagSize,
    };
  }

  table(): string {
    const { device, start, mode, layout } = this.#table;
    const words = this.#optionWords();
    const head = [device.device.number, start, layout.geometry.tagSize, mode, words.length];
    return [...head, ...words].join(' ');
  }

  /** Checksums that failed, of which there are none without a hash; sectors that can be used; and no recalculation. */
  status(): string {
    return `0 ${String(this.#table.layout.providedSectors)} -`;
  }

  async preresume(): Promise<void> {
    const { mode, device, layout } = this.#table;
    if (this.#isReady || mode === 'R') return;
    await this.#followSize();
    const start = await new Replay(layout, device, this.#tags, mode === 'J').run();
    this.#tags.clear();
    if (this.#path instanceof JournalPath) this.#path.journal.start(start);
    this.#isReady = true;
  }

  /** What is in memory is written, and read again when it is needed. */
  async postsuspend(): Promise<void> {
    if (!this.#isReady) return;
    await this.#settle();
    this.#tags.clear();
  }

  async close(): Promise<void> {
    if (this.#path instanceof JournalPath) this.#path.journal.stop();
    if (this.#isReady && this.#tags.isDirty) await this.#settle();
  }

  async #settle(): Promise<void> {
    if (this.#path instanceof DirectPath) return this.#path.flush();
    this.#path.journal.stop();
    await this.#path.journal.drain();
  }

  /** The device may be larger or smaller than it was. Kernel: dm_integrity_resume. */
  async #followSize(): Promise<void> {
    const { superblock, layout, device, start } = this.#table;
    if (superblock.providedSectors === layout.providedSectors) return;
    await device.write(start, resized(superblock, layout.providedSectors).bytes);
    await device.flush();
  }

  #optionWords(): string[] {
    const { mode, options, layout } = this.#table;
    const { blockSectors, interleave, fixedPadding } = layout.geometry;
    return [
      ...(blockSectors === 1 ? [] : [`block_size:${String(blockSectors * SECTOR_SIZE)}`]),
      `journal_sectors:${String(layout.journalSectors)}`,
      `interleave_sectors:${String(interleave)}`,
      `buffer_sectors:${String(layout.pageSectors)}`,
      ...(mode === 'J'
        ? [`journal_watermark:${String(options.watermark)}`, `commit_time:${String(options.commitTime)}`]
        : []),
      ...(fixedPadding ? ['fix_padding'] : []),
      ...(options.legacyRecalculate ? ['legacy_recalculate'] : []),
    ];
  }
}

/** The largest request that fits into a journal with nothing in it: a power of two. */
function mostInJournal({ section, geometry }: Layout): number {
  return 2 ** Math.floor(Math.log2(section.entries * geometry.journalSections * geometry.blockSectors));
}

/** EINVAL where a row is longer than what the device provides. */
export function checkLength({ sectors }: TargetContext, layout: Layout): void {
  if (sectors <= layout.providedSectors) return;
  throw fail(
    'EINVAL',
    `Not enough provided sectors for requested mapping size: ${String(sectors)} of ${String(layout.providedSectors)}`,
  );
}
