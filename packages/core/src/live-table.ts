import type { Bio } from './bio.ts';
import { BioOp, MapResult, Status } from './constants.ts';
import type { BlockDevice } from './block-device.ts';
import type { Driver } from './driver.ts';
import { dataExtent, type Extent, mergeExtents } from './extents.ts';
import { FlushPlan } from './flush-plan.ts';
import type { Limits } from './limits.ts';
import type { Port } from './port.ts';
import type { Row } from './row.ts';
import { type Splittable, Splitter } from './split.ts';

/** A loaded table: the driver at the bottom of a mapped device. Immutable; another table is another object. */
export class LiveTable implements Driver, Splittable {
  readonly rows: readonly Row[];
  /** One for each underlying device, whichever rows use it. */
  readonly ports: readonly Port[];
  readonly readOnly: boolean;
  #limits: Limits;
  readonly #device: BlockDevice;
  readonly #starts: Float64Array;
  /** The row of a table that has but one. */
  readonly #only: Row | null;
  readonly #flushPlan: FlushPlan;
  readonly #splitter: Splitter;
  readonly #stackLimits: (table: LiveTable) => Limits;

  constructor(
    device: BlockDevice,
    rows: readonly Row[],
    ports: readonly Port[],
    readOnly: boolean,
    stackLimits: (table: LiveTable) => Limits,
  ) {
    this.#device = device;
    this.rows = rows;
    this.ports = ports;
    this.readOnly = readOnly;
    this.#starts = Float64Array.from(rows, (row) => row.line.start);
    this.#only = rows.length === 1 ? rows[0]! : null;
    this.#flushPlan = new FlushPlan(rows, ports);
    this.#splitter = new Splitter(this);
    this.#stackLimits = stackLimits;
    this.#limits = stackLimits(this);
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** Works the limits out again after those of a device below changed. */
  restack(): void {
    this.#limits = this.#stackLimits(this);
  }

  submit(bio: Bio): MapResult {
    const { op } = bio;
    if (op === BioOp.Flush) return this.#flushPlan.submit(bio);
    const row = this.#only ?? this.rowAt(bio.sector);
    if (row.takesWhole(bio)) return row.map(bio);
    this.#splitter.split(bio);
    return MapResult.Submitted;
  }

  /** The row a sector lies in: binary search. */
  rowAt(sector: number): Row {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= sector) low = middle;
      else high = middle - 1;
    }
    return this.rows[low]!;
  }

  room(sector: number, op: BioOp): number {
    return this.rowAt(sector).room(sector, op);
  }

  copies(sector: number, op: BioOp): number {
    return this.rowAt(sector).copies(op);
  }

  dispatch(piece: Bio): MapResult {
    return this.rowAt(piece.sector).map(piece);
  }

  requeue(bio: Bio): void {
    this.#device.path.requeue(bio);
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const found: Extent[] = [];
    for (let at = sector; at < sector + count;) {
      const row = this.rowAt(at);
      const length = Math.min(row.end, sector + count) - at;
      found.push(...((await row.target.extents?.(at, length)) ?? [dataExtent(at, length)]));
      at += length;
    }
    return mergeExtents(found);
  }

  presuspend(): void {
    for (const { target } of this.rows) target.presuspend?.();
  }

  async postsuspend(): Promise<void> {
    for (const { target } of this.rows) await target.postsuspend?.();
  }

  async preresume(): Promise<void> {
    for (const { target } of this.rows) await target.preresume?.();
  }

  resume(): void {
    for (const { target } of this.rows) target.resume?.();
  }

  /** Out of use: the targets free what they hold, then the devices below are given up. */
  async close(): Promise<void> {
    try {
      for (const { target } of this.rows) await target.close?.();
    } finally {
      for (const port of this.ports) port.close();
    }
  }
}

/** The driver of a mapped device that has no table: every bio is an error, as in the kernel. */
export class NoTable implements Driver {
  readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  submit(bio: Bio): MapResult {
    bio.complete(Status.Io);
    return MapResult.Submitted;
  }

  async close(): Promise<void> {
    // There is nothing to give up.
  }
}
