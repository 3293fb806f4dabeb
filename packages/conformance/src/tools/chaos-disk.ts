import {
  type Bio,
  BioFlag,
  BioOp,
  type Clock,
  MapResult,
  Random,
  SECTOR_SIZE,
  type Status,
} from '@interposer/core';
import { type DiskOptions, MemoryDisk } from './memory-disk.ts';

/** How a chaos disk misbehaves by itself; everything else is asked for by its methods. */
export interface ChaosOptions extends DiskOptions {
  /** The same seed gives the same run; 1 by default. */
  readonly seed?: number;
  /** The longest time a bio takes, in milliseconds of the engine's clock; each takes its own, so they overtake one another. 0: at once. */
  readonly delay?: number;
  /** Whether writes may be lost in a power cut until they are flushed. */
  readonly volatile?: boolean;
}

/** Bios that are to fail. */
interface Failure {
  readonly op: BioOp | undefined;
  readonly status: Status;
  skip: number;
  times: number;
}

/**
 * A disk in memory whose completions come late, in another order, when they are released, or as failures, and which can lose
 * its cache. What a bio does happens when it completes.
 */
export class ChaosDisk extends MemoryDisk {
  /** Bios that wait for `release`, in the order they came. */
  readonly held: Bio[] = [];
  /** What survives a power cut, where the cache is volatile. */
  readonly #stable: Uint8Array | null;
  readonly #unstable = new Set<number>();
  readonly #random: Random;
  readonly #delay: number;
  readonly #failures: Failure[] = [];
  #holding: ((bio: Bio) => boolean) | null = null;
  #clock: Clock | null = null;

  constructor(options: ChaosOptions) {
    const { limits, volatile = false } = options;
    super({ ...options, limits: { volatileCache: volatile, ...limits } });
    this.#stable = volatile ? new Uint8Array(this.data.length) : null;
    this.#random = new Random(options.seed ?? 1);
    this.#delay = options.delay ?? 0;
  }

  override opened(clock: Clock): void {
    super.opened(clock);
    this.#clock = clock;
  }

  override submit(bio: Bio): MapResult {
    this.arrived[bio.op]!++;
    if (this.#holding?.(bio) === true) this.held.push(bio);
    else if (this.#delay === 0) this.#finish(bio);
    else this.#finishLater(bio);
    return MapResult.Submitted;
  }

  /** From now on bios wait for `release`: all, or those a function picks. */
  hold(which: (bio: Bio) => boolean = () => true): void {
    this.#holding = which;
  }

  /** New bios are no longer held, and those that wait complete, oldest first or newest first. */
  release(order: 'oldest' | 'newest' = 'oldest'): void {
    this.#holding = null;
    const bios = this.held.splice(0);
    if (order === 'newest') bios.reverse();
    for (const bio of bios) this.#finish(bio);
  }

  /** Completes the bio that has waited longest; others go on waiting. False: none waits. */
  releaseOne(): boolean {
    const bio = this.held.shift();
    if (bio === undefined) return false;
    this.#finish(bio);
    return true;
  }

  /** Lets bios of an operation, or of any, fail: so many after so many good ones; all by default. Nothing of them is done. */
  fail(status: Status, options: { op?: BioOp; skip?: number; times?: number } = {}): void {
    const { op, skip = 0, times = Infinity } = options;
    this.#failures.push({ op, status, skip, times });
  }

  /** No further bio fails. */
  heal(): void {
    this.#failures.length = 0;
  }

  /**
   * The power fails: of what is not stable yet each sector is lost, or stays with the given probability. Call it with no bio
   * on its way.
   */
  cutPower(survival = 0): void {
    const stable = this.#stable;
    if (stable === null) return;
    for (const sector of this.#unstable) if (this.#random.chance(survival)) this.#settle(sector);
    this.#unstable.clear();
    this.data.set(stable);
  }

  #finishLater(bio: Bio): void {
    if (this.#clock === null) throw new Error('a disk that was never opened has no clock');
    // A flush covers what was complete when it was sent, not what completes meanwhile.
    const covered = bio.op === BioOp.Flush ? [...this.#unstable] : undefined;
    this.#clock.after(this.#random.between(0, this.#delay), () => {
      this.#finish(bio, covered);
    });
  }

  #finish(bio: Bio, covered?: readonly number[]): void {
    bio.complete(this.#failureOf(bio) ?? this.#serveStably(bio, covered));
  }

  #failureOf(bio: Bio): Status | undefined {
    const failure = this.#failures.find(({ op, times }) => times > 0 && (op === undefined || op === bio.op));
    if (failure === undefined || failure.skip-- > 0) return undefined;
    failure.times--;
    return failure.status;
  }

  #serveStably(bio: Bio, covered?: Iterable<number>): Status {
    const status = this.serve(bio);
    if (this.#stable === null) return status;
    if (bio.op === BioOp.Flush) for (const sector of covered ?? [...this.#unstable]) this.#settle(sector);
    if (bio.op === BioOp.Read || bio.op === BioOp.Flush) return status;
    for (let sector = bio.sector; sector < bio.sector + bio.count; sector++) {
      this.#unstable.add(sector);
      if ((bio.flags & BioFlag.Fua) !== 0) this.#settle(sector);
    }
    return status;
  }

  #settle(sector: number): void {
    const start = sector * SECTOR_SIZE;
    this.#stable!.set(this.data.subarray(start, start + SECTOR_SIZE), start);
    this.#unstable.delete(sector);
  }
}
