import {
  type Area,
  type Bio,
  type BlockDevice,
  type Clock,
  dataExtent,
  type Extent,
  fail,
  type Limits,
  MapResult,
  SECTOR_SIZE,
  Status,
  type Target,
  type TargetContext,
} from '@interposer/core';
import { Exceptions } from './exceptions.ts';
import { checkHandover, sharersOf, sourceFor } from './handover.ts';
import { openStore } from './open-store.ts';
import type { Origin, OriginMember } from './origin.ts';
import { originOf } from './origins.ts';
import { inTime } from './patience.ts';
import { featureText, parseStoreArgs, type SnapshotWords, type StoreArgs } from './snapshot-args.ts';
import { snapshotExtents } from './snapshot-extents.ts';
import type { ExceptionsOwner, SnapshotPorts } from './store.ts';

/** What `snapshot` and `snapshot-merge` have in common: their line, their store, and how it changes hands. */
export abstract class SnapshotBase implements Target, OriginMember, ExceptionsOwner {
  abstract readonly merges: boolean;
  /** Whether a merge came to a failure. */
  abstract readonly mergeFailed: boolean;
  abstract map(bio: Bio): MapResult;
  active = false;
  suspended = false;
  readonly end: number;
  readonly discardCopies: number;
  /** No bio crosses a chunk. */
  maxIo = 0;
  readonly event: () => void;
  readonly log: (message: string) => void;
  protected readonly ports: SnapshotPorts;
  protected readonly origin: Origin;
  protected readonly args: StoreArgs;
  readonly #begin: number;
  readonly #clock: Clock;
  #exceptions: Exceptions | null = null;
  /** Whom it was to take the exceptions over from is gone. */
  #cancelled = false;

  /** `<origin> <cow> <P|PO|N> <chunk> [<words> <feature>...]` */
  constructor(
    { begin, sectors, clock, event, log }: TargetContext,
    words: SnapshotWords,
    ports: SnapshotPorts,
  ) {
    this.args = parseStoreArgs(words, ports);
    this.ports = ports;
    this.origin = originOf(ports.origin.device);
    this.end = begin + sectors;
    this.#begin = begin;
    this.#clock = clock;
    this.event = event;
    this.log = log;
    const { discardZeroes, discardPassdown } = this.args;
    this.discardCopies = discardZeroes ? 1 + Number(discardPassdown) : 0;
  }

  get exceptions(): Exceptions | null {
    return this.#exceptions;
  }

  get cowDevice(): BlockDevice {
    return this.ports.cow.device;
  }

  get mapped(): BlockDevice | null {
    return this.ports.cow.owner;
  }

  /** Opens the store, unless another table has it open, which is to hand it over. Nothing stays behind where that fails. */
  async open(): Promise<this> {
    const source = sourceFor(this.origin, this);
    this.origin.add(this);
    try {
      if (source === undefined) await this.#openStore();
      this.maxIo = (source ?? this).exceptions?.chunkSectors ?? 1;
      if (this.#begin % this.maxIo !== 0)
        throw fail(
          'EINVAL',
          `the row begins at ${String(this.#begin)}, which no chunk of ${String(this.maxIo)} sectors does`,
        );
    } catch (error) {
      this.origin.remove(this);
      throw error;
    }
    this.origin.sort();
    return this;
  }

  areas(): readonly Area[] {
    const { origin, cow } = this.ports;
    return [
      { port: origin, start: this.#begin, count: this.end - this.#begin },
      { port: cow, start: 0, count: cow.limits.sectors },
    ];
  }

  limits(stacked: Limits): Limits {
    return this.discardCopies === 0 ? stacked : { ...stacked, discardGranularity: this.maxIo * SECTOR_SIZE };
  }

  table(): string {
    const { origin, cow } = this.ports;
    const letter = this.#exceptions?.store.letter ?? this.args.letter;
    const chunk = this.#exceptions?.chunkSectors ?? 0;
    const store = `${letter}${this.args.overflow && letter === 'P' ? 'O' : ''} ${String(chunk)}`;
    return `${origin.device.number} ${cow.device.number} ${store}${featureText(this.args)}`;
  }

  /** `Invalid`, `Merge failed`, `Overflow`, or `<sectors used>/<sectors> <sectors of metadata>`. */
  status(): string {
    const exceptions = this.#exceptions;
    if (exceptions === null) {
      const waits = !this.active && !this.#cancelled;
      return waits ? `0/${String(this.ports.cow.limits.sectors)} 0` : 'Invalid';
    }
    if (!exceptions.valid) return 'Invalid';
    if (this.mergeFailed) return 'Merge failed';
    if (exceptions.overflowed) return 'Overflow';
    const { allocated, total, metadata } = exceptions.store.usage();
    return `${String(allocated)}/${String(total)} ${String(metadata)}`;
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const exceptions = this.#exceptions;
    // What is under way to the origin from before the snapshot may yet fill a hole.
    return exceptions?.valid === true && exceptions.settled
      ? snapshotExtents(exceptions, sector, count)
      : [dataExtent(sector, count)];
  }

  /** What of it goes on by itself ends, at the end of the step it is at. */
  async stopped(): Promise<void> {
    // A snapshot does nothing by itself.
  }

  async postsuspend(): Promise<void> {
    this.suspended = true;
    await this.stopped();
  }

  preresume(): void {
    checkHandover(this.origin, this);
  }

  resume(): void {
    this.suspended = false;
    if (this.active) return;
    const { source } = sharersOf(this.origin, this);
    if (source instanceof SnapshotBase && !this.#cancelled) this.#takeOver(source);
    else if (this.#exceptions !== null && !this.merges) this.origin.beginGeneration(this.#exceptions);
    this.active = true;
    this.origin.sort();
  }

  async close(): Promise<void> {
    const { source, heir } = sharersOf(this.origin, this);
    if (source === this && heir instanceof SnapshotBase) {
      this.log('Cancelling snapshot handover');
      heir.#cancelled = true;
    }
    this.origin.remove(this);
    const over = this.stopped().then(() => this.#exceptions?.idle());
    if (!(await inTime(over, this.#clock)))
      this.log('the devices below do not answer: not all is copied out');
  }

  /** A bio that waited is mapped as if it came now, unless core has failed it meanwhile, for its device is lost. */
  protected mapAgain(bio: Bio): void {
    if (bio.status !== Status.Pending) return;
    const result = this.map(bio);
    if (result === MapResult.Remapped) bio.port!.forward(bio);
    else if (result === MapResult.Kill) bio.complete(Status.Io);
  }

  async #openStore(): Promise<void> {
    const ports = { ...this.ports };
    const opened = await openStore(ports, this.args, this.log);
    if (this.merges && opened.store.prepareMerge === undefined)
      throw fail('EINVAL', 'Snapshot exception store does not support snapshot-merge.');
    this.#exceptions = new Exceptions(ports, opened, this.origin, this);
  }

  /** Everything changes hands at once; what is on its way goes on in the name of this one. Kernel: __handover_exceptions. */
  #takeOver(source: SnapshotBase): void {
    const exceptions = source.#exceptions;
    source.#exceptions = null;
    this.#exceptions = exceptions;
    if (exceptions === null) return;
    Object.assign(exceptions.ports, this.ports);
    exceptions.owner = this;
  }
}
