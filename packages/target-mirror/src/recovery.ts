import { BufferPool } from '@interposer/core';
import { LegError, type Legs } from './legs.ts';
import { type CopyResult, RegionCopy } from './region-copy.ts';
import { type Regions, RegionState } from './regions.ts';

/** Regions that are copied at a time. The kernel copies one. */
const COPIES = 4;

/** Sectors that are copied before others get a turn, where disks answer at once. */
const TURN = 8192;

/** What recovery shares with the rest of the mirror. */
export interface RecoveryContext {
  readonly legs: Legs;
  readonly regions: Regions;
  readonly handleErrors: boolean;
  /** A region's copy is over, well or not; its state is set, and writes that waited for it can go on. */
  readonly ended: (region: number) => void;
  readonly log: (message: string) => void;
  /** Somebody waits until none of many regions is copied: no copy is begun before that. */
  readonly isWaitedFor: () => boolean;
}

/**
 * Copies the regions that are not in sync from the default leg to the others, the first one first, each of them once until
 * the device is resumed. Writes to a region wait while it is copied. Kernel: do_recovery.
 */
export class Recovery {
  readonly #context: RecoveryContext;
  readonly #idleCopies: RegionCopy[];
  readonly #busyCopies = new Set<RegionCopy>();
  readonly #waiters: (() => void)[] = [];
  /** Regions whose writes have to end before they are copied. */
  readonly #quieting = new Set<number>();
  /** Where to look for the next one. */
  #search = 0;
  #isStopped = true;
  #isPumping = false;
  /** Sectors of this turn. */
  #copied = 0;
  #immediate: NodeJS.Immediate | null = null;

  constructor(context: RecoveryContext) {
    const { legs, handleErrors } = context;
    this.#context = context;
    const buffers = new BufferPool();
    this.#idleCopies = Array.from(
      { length: COPIES },
      () => new RegionCopy(legs, buffers, !handleErrors, this.#onEnded),
    );
  }

  /** From the first region on; those whose copy failed earlier are tried again. */
  start(): void {
    const { regions } = this.#context;
    for (let region = regions.find(RegionState.GivenUp, 0); region >= 0;) {
      regions.setState(region, RegionState.NoSync);
      region = regions.find(RegionState.GivenUp, region);
    }
    this.#isStopped = false;
    this.restart();
  }

  /** Whether nothing is copied any more though regions are left. With a failed leg writes may wait that no copy can wait for. */
  isStuck(legFailed: boolean): boolean {
    if (this.#isStopped || this.#busyCopies.size > 0 || this.#immediate !== null) return false;
    if (this.#quieting.size > 0) return legFailed;
    return this.#search >= this.#context.regions.count;
  }

  /** Looks for regions from the first one on, for some are not in sync any more. */
  restart(): void {
    this.#search = 0;
    this.#pump();
  }

  /** No further I/O is sent; writes that wait for a copy can go on. */
  stop(): void {
    this.#isStopped = true;
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#immediate = null;
    for (const copy of this.#busyCopies) copy.stop();
    for (const region of [...this.#quieting]) {
      this.giveUp(region);
      this.#context.ended(region);
    }
  }

  /** Resolves when nothing is under way. To be called after `stop`. */
  async idle(): Promise<void> {
    if (this.#busyCopies.size > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** The last write in a region that waits for its copy has ended. */
  quiet(region: number): void {
    if (!this.#quieting.delete(region)) return;
    this.#copy(region);
  }

  /** A region that waits for its copy is not to be copied: what it holds on the legs has become worse. */
  giveUp(region: number): void {
    this.#quieting.delete(region);
    this.#context.regions.setState(region, RegionState.NoSync);
  }

  /** Begins as many copies as there may be. Copies may end while it runs. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const { regions } = this.#context;
    while (this.#mayBegin()) {
      const region = regions.find(RegionState.NoSync, this.#search);
      if (region < 0) {
        this.#search = regions.count;
        break;
      }
      this.#search = region + 1;
      this.#begin(region);
    }
    this.#isPumping = false;
  }

  #mayBegin(): boolean {
    if (this.#isStopped || this.#immediate !== null) return false;
    if (this.#quieting.size + this.#busyCopies.size >= COPIES) return false;
    if (this.#search >= this.#context.regions.count || this.#context.isWaitedFor()) return false;
    if (this.#copied < TURN) return true;
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      this.#copied = 0;
      this.#pump();
    });
    return false;
  }

  #begin(region: number): void {
    const { regions } = this.#context;
    regions.setState(region, RegionState.Recovering);
    this.#copied += regions.lengthOf(region);
    if (regions.isBusy(region)) this.#quieting.add(region);
    else this.#copy(region);
  }

  #copy(region: number): void {
    const { regions } = this.#context;
    const copy = this.#idleCopies.pop()!;
    this.#busyCopies.add(copy);
    copy.start(region, regions.startOf(region), regions.lengthOf(region));
  }

  readonly #onEnded = (copy: RegionCopy, result: CopyResult): void => {
    const { region } = copy;
    this.#busyCopies.delete(copy);
    this.#idleCopies.push(copy);
    this.#blame(result);
    this.#context.regions.setState(region, this.#stateAfter(result));
    this.#context.ended(region);
    if (this.#busyCopies.size === 0) for (const resolve of this.#waiters.splice(0)) resolve();
    this.#pump();
  };

  /** What could not be read must not be taken for copied, whatever the kernel does where errors are not handled. */
  #stateAfter({ done, readFailed, writeFailed }: CopyResult): RegionState {
    if (done) return RegionState.InSync;
    const isIgnored = !this.#context.handleErrors && writeFailed !== 0 && !readFailed;
    return isIgnored ? RegionState.GivenUp : RegionState.NoSync;
  }

  /** Where errors are not handled, a leg that takes no copy is left in peace, as in the kernel: it is not read there. */
  #blame({ readFailed, writeFailed }: CopyResult): void {
    const { legs, log, handleErrors } = this.#context;
    if (readFailed) {
      log('Unable to read primary mirror during recovery');
      legs.fail(legs.first, LegError.Sync);
    }
    if (writeFailed === 0 || !handleErrors) return;
    log(`Write error during recovery (error = 0x${writeFailed.toString(16)})`);
    legs.failAll(writeFailed, LegError.Sync);
  }
}
