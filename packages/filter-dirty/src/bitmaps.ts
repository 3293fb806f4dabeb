import { fail, type MetadataContext } from '@interposer/core';
import { DirtyBitmap } from './dirty-bitmap.ts';
import { dirtyExtents } from './dirty-extents.ts';
import { WritesInFlight } from './writes-in-flight.ts';

/** Each may take 128 MiB. */
const MOST_FROZEN = 16;

/** What every name is allowed to be: part of a name of NBD, and a word without quotes in all the places it is typed in. */
const NAME = /^[A-Za-z0-9._-]{1,255}$/;

/** The bitmap that follows what is written to a device, and those that were frozen. */
export class Bitmaps {
  /** Of the bitmap that follows. */
  readonly name: string;
  readonly #sectors: () => number;
  readonly #inFlight = new WritesInFlight();
  readonly #frozen = new Map<string, DirtyBitmap>();
  #live: DirtyBitmap;

  /** All dirty: nobody knows what was written before. `sectors` tells the size that the device has now. */
  constructor(name: string, granularity: number, sectors: () => number) {
    checkName(name);
    this.name = name;
    this.#sectors = sectors;
    this.#live = new DirtyBitmap(0, granularity).resized(sectors());
  }

  get live(): DirtyBitmap {
    return this.#live;
  }

  /** By name, oldest first. */
  get frozen(): ReadonlyMap<string, DirtyBitmap> {
    return this.#frozen;
  }

  /** A change of a range is about to go down. The answer is for `end`. */
  begin(sector: number, count: number): number {
    this.#live.mark(sector, count);
    return this.#inFlight.take(sector, count);
  }

  /** It is done, or failed: it may have changed something all the same. */
  end(slot: number): void {
    this.#inFlight.give(slot);
  }

  /** Everything is clean but what is in flight: whether that was done before or is done later nobody can tell. */
  clear(): void {
    const { granularity } = this.#live;
    this.#live = new DirtyBitmap(this.#sectors(), granularity);
    this.#inFlight.markIn(this.#live);
  }

  /** Freezes the bits under a name, and begins anew. EINVAL, EEXIST, or ENOMEM where there are too many. */
  rotate(name: string): void {
    checkName(name);
    if (name === this.name || this.#frozen.has(name)) {
      throw fail('EEXIST', `filter dirty: there is a bitmap ${name} already`);
    }
    if (this.#frozen.size >= MOST_FROZEN) {
      throw fail(
        'ENOMEM',
        `filter dirty: ${String(MOST_FROZEN)} bitmaps are frozen: drop or merge one first`,
      );
    }
    this.#frozen.set(name, this.#live);
    this.clear();
  }

  /** The bits of a frozen bitmap come back, and it is gone. ENOENT. */
  merge(name: string): void {
    this.#live.merge(this.#find(name));
    this.#frozen.delete(name);
  }

  /** A frozen bitmap is forgotten. ENOENT. */
  drop(name: string): void {
    this.#find(name);
    this.#frozen.delete(name);
  }

  /** The device may have another size now. A frozen bitmap stays: what it was not made for counts as dirty. */
  fit(): void {
    const sectors = this.#sectors();
    if (sectors !== this.#live.sectors) this.#live = this.#live.resized(sectors);
  }

  /** Nothing is followed any more: to whoever still asks all is dirty. */
  close(): void {
    this.#live = new DirtyBitmap(0, this.#live.granularity);
    this.#frozen.clear();
  }

  contexts(): MetadataContext[] {
    return [
      contextOf(this.name, () => this.#live),
      ...[...this.#frozen].map(([name, bitmap]) => contextOf(name, () => bitmap)),
    ];
  }

  #find(name: string): DirtyBitmap {
    const bitmap = this.#frozen.get(name);
    if (bitmap !== undefined) return bitmap;
    const known = [...this.#frozen.keys()];
    throw fail(
      'ENOENT',
      `filter dirty: no bitmap ${name} is frozen; ${known.length === 0 ? 'there are none' : `there are: ${known.join(', ')}`}`,
    );
  }
}

/** EINVAL for what cannot name a bitmap. */
function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw fail(
    'EINVAL',
    `filter dirty: "${name}" is no name: 1 to 255 letters, digits, dots, dashes, underscores`,
  );
}

/** QEMU, docs/interop/nbd.rst: the name under which its NBD server publishes a bitmap. */
function contextOf(name: string, bitmap: () => DirtyBitmap): MetadataContext {
  return {
    name: `qemu:dirty-bitmap:${name}`,
    extents: async (sector, count) => dirtyExtents(bitmap(), sector, count),
  };
}
