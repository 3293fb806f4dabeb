import type { DirtyLog, SyncWord } from './log.ts';
import { type Regions, RegionState } from './regions.ts';

/** A log in memory: when the table is loaded anew everything is copied, unless `nosync` says that there is no need to. */
export class CoreLog implements DirtyLog {
  readonly failed = false;
  readonly #regions: Regions;
  readonly #sync: SyncWord;

  constructor(regions: Regions, sync: SyncWord) {
    this.#regions = regions;
    this.#sync = sync;
    if (sync !== 'nosync') return;
    for (let region = 0; region < regions.count; region++) regions.setState(region, RegionState.InSync);
  }

  mark(): boolean {
    return true;
  }

  wait(): void {
    throw new TypeError('nobody has to wait for a log in memory');
  }

  idle(): void {
    // There is nothing to remember.
  }

  stayDirty(): void {
    // It never says that a region is clean.
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  table(): string {
    const words = [this.#regions.size, ...(this.#sync === null ? [] : [this.#sync])];
    return ['core', words.length, ...words].join(' ');
  }

  status(): string {
    return '1 core';
  }

  stop(): void {
    // It has no timer.
  }
}
