import { type Bio, EndResult, type Frame, Status } from '@interposer/core';
import { type ChunkTable, NO_CHUNK } from './chunk-table.ts';
import { Copier } from './copier.ts';
import { Dropping } from './dropping.ts';
import type { OpenedStore } from './open-store.ts';
import type { Origin } from './origin.ts';
import type { PendingException } from './pending-exception.ts';
import { PendingExceptions } from './pending-exceptions.ts';
import type { CommitListener, ExceptionsOwner, ExceptionStore, SnapshotPorts } from './store.ts';
import { TrackedChunks, type TrackingOwner } from './tracked-chunks.ts';

/**
 * What a snapshot keeps instead of chunks of its origin, what is on the way to that, and in whose name: it changes hands
 * when a table takes over from another one. Kernel: struct dm_snapshot and its two exception tables.
 */
export class Exceptions implements CommitListener, Frame, TrackingOwner {
  readonly ports: SnapshotPorts;
  readonly store: ExceptionStore;
  readonly chunkSectors: number;
  readonly copier: Copier;
  /** Reads of the origin in the name of the snapshot; of a merge, writes to the store. */
  readonly tracked: TrackedChunks;
  owner: ExceptionsOwner;
  /** A merge's: called whenever a tracked chunk is drained. */
  onDrained: (() => void) | null = null;
  readonly #table: ChunkTable;
  readonly #pending = new PendingExceptions();
  /** Their copies are not started yet: the first of them, the last one first, and those that came later. */
  #starting: PendingException[] = [];
  #waiting: PendingException[] = [];
  #valid: boolean;
  #overflowed = false;
  /** What an older generation of writes still may do to the origin: until it has ended nothing is copied out. */
  #unsettled = 0;
  /** While it lasts what an exception held back from the origin waits on. */
  readonly dropping: Dropping;
  /** Who waits for the older writes, or for all to be over. */
  readonly #whenSettled: (() => void)[] = [];
  readonly #whenIdle: (() => void)[] = [];

  constructor(
    ports: SnapshotPorts,
    { store, table, valid }: OpenedStore,
    origin: Origin,
    owner: ExceptionsOwner,
  ) {
    this.ports = ports;
    this.copier = new Copier(ports);
    this.store = store;
    this.chunkSectors = store.chunkSectors;
    this.owner = owner;
    this.tracked = new TrackedChunks(this.chunkSectors, this);
    this.dropping = new Dropping((bio) => {
      origin.retry(bio);
    });
    this.#table = table;
    this.#valid = valid;
    store.listener = this;
  }

  get valid(): boolean {
    return this.#valid;
  }

  /** The store was full for a write to the snapshot, which may be read on. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Whether no write of before the snapshot is under way to the origin. */
  get settled(): boolean {
    return this.#unsettled === 0;
  }

  /** How many sectors are in the store. */
  get sectors(): number {
    return this.#table.size * this.chunkSectors;
  }

  /** Written so that all numbers on the way are whole ones. */
  chunkOf(sector: number): number {
    return (sector - (sector % this.chunkSectors)) / this.chunkSectors;
  }

  /** The chunk of the store that holds a chunk; `NO_CHUNK` where the origin does. */
  find(chunk: number): number {
    return this.#table.get(chunk);
  }

  /** The chunks that are in the store, of those that some sectors lie in; in order. */
  chunksIn(sector: number, count: number): number[] {
    return this.#table.within(this.chunkOf(sector), this.chunkOf(sector + count - 1));
  }

  /** Where a sector of the snapshot lies in a chunk of the store. */
  place(sector: number, cowChunk: number): number {
    return cowChunk * this.chunkSectors + (sector % this.chunkSectors);
  }

  /** The exception of a chunk that is on its way; null where there is none. */
  pendingAt(chunk: number): PendingException | null {
    return this.#pending.find(chunk);
  }

  /**
   * A new exception for a chunk, whose data is to come by `copyLater` or `startWhole`; null: there is no room, or with
   * `keepsReadable` none that leaves the others what they are.
   */
  begin(chunk: number, keepsReadable: boolean): PendingException | null {
    const cowChunk = this.store.allot(keepsReadable);
    return cowChunk === NO_CHUNK ? null : this.#pending.begin(chunk, cowChunk);
  }

  /** The chunk is to be copied; see `startCopies`. */
  copyLater(exception: PendingException): void {
    exception.started = true;
    this.#waiting.push(exception);
  }

  /** Starts the copies that may be under way now. Who waits for one says so before, for it may be done at once. */
  startCopies(): void {
    while (this.settled && this.copier.hasRoom) {
      const exception = this.#nextWaiting();
      if (exception === undefined) return;
      const { origin } = this.ports;
      const sector = exception.chunk * this.chunkSectors;
      const count = Math.min(this.chunkSectors, origin.limits.sectors - sector);
      const to = exception.cowChunk * this.chunkSectors;
      this.copier.copy(false, sector, to, count, this.#onCopied, exception);
    }
  }

  /** A write of the whole chunk takes the place of the copy: it may go down, and ends when the exception holds. */
  startWhole(exception: PendingException, bio: Bio): void {
    exception.started = true;
    exception.holder = bio.holder;
    bio.watch(this, exception.index);
  }

  /** A write of a whole chunk comes back up. */
  endIo(bio: Bio, index: number): EndResult {
    const exception = this.#pending.at(index);
    exception.fullBio = bio;
    const { status } = bio;
    bio.reopen();
    bio.holder = exception.holder;
    this.#copied(exception, status);
    return EndResult.Incomplete;
  }

  committed(exception: PendingException, ok: boolean): void {
    if (!ok) this.invalidate('Error reading/writing');
    if (!this.#valid) {
      this.#finish(exception, false);
      return;
    }
    this.#table.set(exception.chunk, exception.cowChunk);
    exception.drains = this.tracked.has(exception.chunk);
    if (!exception.drains) this.#finish(exception, true);
  }

  /** What waited for the tracked bios of a chunk goes on. */
  chunkDrained(chunk: number): void {
    const exception = this.pendingAt(chunk);
    if (exception?.drains === true) this.#finish(exception, true);
    this.onDrained?.();
  }

  /** A chunk was merged: the origin holds it from now on. */
  forget(chunk: number): void {
    this.#table.delete(chunk);
  }

  /** A write to the snapshot found no room. */
  overflow(isKept: boolean): void {
    if (!isKept) this.invalidate('Unable to allocate exception');
    else if (!this.#overflowed) {
      this.#overflowed = true;
      this.owner.log('Snapshot overflowed: Unable to allocate exception');
    }
  }

  /** The snapshot is of no use any more. The origin goes on, as soon as the store says so too. */
  invalidate(reason: string): void {
    if (!this.#valid) return;
    this.#valid = false;
    this.owner.log(`Invalidating snapshot: ${reason}`);
    const dropped = this.store.drop();
    if (dropped === undefined) this.owner.event();
    else {
      this.dropping.begin();
      void dropped.then(this.#onDropped);
    }
  }

  /** Calls back when the snapshot may be used. */
  whenSettled(callback: () => void): void {
    this.#whenSettled.push(callback);
  }

  /** Waits for writes to the origin that were under way when the snapshot came, so many generations of them. */
  unsettle(generations: number): void {
    this.#unsettled = generations;
  }

  /** One of the generations has ended. */
  generationEnded(): void {
    if (--this.#unsettled > 0) return;
    this.startCopies();
    for (const callback of this.#whenSettled.splice(0)) callback();
  }

  /** Resolves when no exception is on its way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
      this.#settleIdle();
    });
  }

  /** Turned round all at once: to take the first out of thousands, one after the other, moves all others each time. */
  #nextWaiting(): PendingException | undefined {
    if (this.#starting.length === 0)
      [this.#starting, this.#waiting] = [this.#waiting.reverse(), this.#starting];
    return this.#starting.pop();
  }

  readonly #onCopied = (tag: unknown, status: Status): void => {
    this.#copied(tag as PendingException, status);
    this.startCopies();
  };

  #copied(exception: PendingException, status: Status): void {
    exception.copied = true;
    exception.failed = status !== Status.Ok;
    for (let next = this.#pending.shiftCopied(); next !== null; next = this.#pending.shiftCopied())
      this.store.commit(next);
  }

  /** It is no longer on its way, and all who wait for it go on. */
  #finish(exception: PendingException, ok: boolean): void {
    this.#pending.end(exception);
    const { fullBio, originBios, snapshotBios, waiters } = exception;
    fullBio?.complete(ok ? Status.Ok : Status.Io);
    for (const bio of snapshotBios) {
      if (ok) this.ports.cow.forward(bio);
      else bio.complete(Status.Io);
    }
    for (const bio of originBios) this.dropping.passBio(bio);
    for (const waiter of waiters) this.dropping.pass(waiter);
    this.#pending.put(exception);
    this.#settleIdle();
  }

  readonly #onDropped = (): void => {
    this.owner.event();
    this.dropping.end();
    this.#settleIdle();
  };

  #settleIdle(): void {
    if (this.#whenIdle.length === 0 || this.#pending.size > 0 || this.dropping.active) return;
    for (const callback of this.#whenIdle.splice(0)) callback();
  }
}
