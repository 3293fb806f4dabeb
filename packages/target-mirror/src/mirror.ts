import {
  type Area,
  type Bio,
  BioOp,
  EndResult,
  type Extent,
  type Frame,
  MapResult,
  type Progress,
  Status,
  type Target,
  type TargetContext,
} from '@interposer/core';
import type { MirrorSetup } from './arguments.ts';
import { LegError, Legs, type LegWatcher } from './legs.ts';
import { CoreLog } from './log-core.ts';
import { DiskLog } from './log-disk.ts';
import type { DirtyLog } from './log.ts';
import { chooseLeg, NO_LEG } from './read-balance.ts';
import { Recovery } from './recovery.ts';
import { Regions, RegionState } from './regions.ts';
import { MirrorWriter } from './writer.ts';

/** In the cookie of a read, beside its leg: no other leg is left. */
const LAST_RESORT = 16;
const LEG_MASK = 15;

/** Puts legs, regions, log, writer and recovery together, and reads. Kernel: dm-raid1.c. */
export class Mirror implements Target, Frame, LegWatcher {
  /** One region, so that each read or write lies in one. */
  readonly maxIo: number;
  readonly #context: TargetContext;
  readonly #setup: MirrorSetup;
  readonly #legs: Legs;
  readonly #regions: Regions;
  readonly #log: DirtyLog;
  readonly #recovery: Recovery;
  readonly #writer: MirrorWriter;
  #inSync: boolean;

  constructor(context: TargetContext, setup: MirrorSetup) {
    this.#context = context;
    this.#setup = setup;
    this.maxIo = setup.regionSize;
    this.#legs = new Legs(setup.legs, this);
    this.#regions = new Regions(context.sectors, setup.regionSize);
    this.#log = this.#makeLog();
    this.#recovery = this.#makeRecovery();
    this.#writer = this.#makeWriter();
    this.#inSync = this.#regions.allInSync;
  }

  get isSame(): boolean {
    return this.#inSync && this.#regions.allSame;
  }

  map(bio: Bio): MapResult {
    if (bio.op === BioOp.Read) {
      this.#route(bio);
      return MapResult.Remapped;
    }
    // After a failed flush all regions are still in sync; as in the kernel, that is found out at the next write.
    if (!this.#inSync) this.#checkSync();
    this.#writer.take(bio);
    return MapResult.Submitted;
  }

  /** A read has ended; a failed one is read from another leg, if that holds the same. */
  endIo(bio: Bio, cookie: number): EndResult {
    const leg = cookie & LEG_MASK;
    this.#legs.reads[leg]!--;
    if (bio.status === Status.Ok || bio.status === Status.NotSup) return EndResult.Done;
    if ((cookie & LAST_RESORT) !== 0) return EndResult.Done;
    this.#legs.fail(leg, LegError.Read);
    if (this.#chooseFor(bio) === NO_LEG && this.#legs.first === leg) return EndResult.Done;
    bio.reopen();
    this.#route(bio);
    bio.port!.forward(bio);
    return EndResult.Incomplete;
  }

  legsFailed(messages: readonly string[]): void {
    if (!this.#setup.handleErrors) return;
    for (const message of messages) this.#context.log(message);
    this.#context.event();
  }

  areas(): readonly Area[] {
    return this.#setup.legs.map(({ port, offset }) => ({
      port,
      start: offset,
      count: this.#context.sectors,
    }));
  }

  table(): string {
    const { legs, handleErrors, keepLog } = this.#setup;
    const features = [...(handleErrors ? ['handle_errors'] : []), ...(keepLog ? ['keep_log'] : [])];
    return [
      this.#log.table(),
      legs.length,
      ...legs.map(({ port, offset }) => `${port.device.number} ${String(offset)}`),
      ...(features.length === 0 ? [] : [features.length, ...features]),
    ].join(' ');
  }

  /** `<legs> <device>×legs <regions in sync>/<regions> 1 <letter of each leg> <words of the log> <log word>...` */
  status(): string {
    const devices = this.#setup.legs.map(({ port }) => port.device.number);
    const sync = `${String(this.#regions.inSync)}/${String(this.#regions.count)}`;
    return [devices.length, ...devices, sync, 1, this.#legs.letters(), this.#log.status()].join(' ');
  }

  /** A resync does not come to its end when a copy has failed, until there is another table or a resume. */
  progress(): Progress | undefined {
    if (this.#context.readOnly) return undefined;
    const done = this.#regions.sectorsSame;
    const total = this.#context.sectors;
    const letters = this.#legs.letters();
    const hasFailed = /[DFS]/.test(letters);
    const isStuck = done < total && this.#recovery.isStuck(hasFailed);
    const failure = hasFailed ? `a leg has failed: ${letters}` : 'a copy has failed';
    return { activity: 'resync', done, total, ...(isStuck ? { failure } : {}) };
  }

  /** Those of the leg that holds everything. */
  async extents(sector: number, count: number): Promise<Extent[]> {
    const { port, offset } = this.#setup.legs[this.#legs.first]!;
    const shift = offset - this.#context.begin;
    const below = await port.extents(sector + shift, count);
    return below.map((extent) => ({ ...extent, sector: extent.sector - shift }));
  }

  presuspend(): void {
    this.#recovery.stop();
    this.#writer.suspend();
  }

  /** Ends when no copy is under way and the log says what is clean. */
  async postsuspend(): Promise<void> {
    await this.#recovery.idle();
    await this.#log.settle();
  }

  preresume(): Promise<void> {
    return this.#log.load();
  }

  resume(): void {
    this.#writer.resume();
    this.#checkSync();
    // Legs that are open for reading cannot be made the same.
    if (!this.#context.readOnly) this.#recovery.start();
  }

  async close(): Promise<void> {
    this.#recovery.stop();
    await this.#recovery.idle();
    await this.#log.stop();
  }

  /** Sends a read to the leg that is due. Where all have failed, the default leg is tried all the same. */
  #route(bio: Bio): void {
    const chosen = this.#chooseFor(bio);
    const leg = chosen === NO_LEG ? this.#legs.first : chosen;
    bio.watch(this, chosen === NO_LEG ? leg | LAST_RESORT : leg);
    this.#legs.reads[leg]!++;
    const { port, offset } = this.#legs.all[leg]!;
    bio.port = port;
    bio.sector += offset - this.#context.begin;
  }

  /** Out of sync only the default leg will do. */
  #chooseFor(bio: Bio): number {
    const region = this.#regions.at(bio.sector - this.#context.begin);
    if (this.#regions.state(region) === RegionState.InSync) {
      return chooseLeg(this.#legs, !this.#regions.isBusy(region));
    }
    return this.#legs.isAlive(this.#legs.first) ? this.#legs.first : NO_LEG;
  }

  /** All regions have become in sync: whoever waits for it is told. */
  #checkSync(): void {
    if (this.#inSync || !this.#regions.allInSync) return;
    this.#inSync = true;
    if (this.#regions.allSame) this.#legs.revive();
    this.#context.event();
  }

  #makeLog(): DirtyLog {
    const { logPort: port, sync } = this.#setup;
    const regions = this.#regions;
    if (port === null) return new CoreLog(regions, sync);
    const { readOnly, clock, log, event } = this.#context;
    return new DiskLog({
      port,
      regions,
      sync,
      readOnly,
      clock,
      log,
      event,
      flushLegs: () => this.#flushLegs(),
      marked: (request) => {
        this.#writer.marked(request);
      },
    });
  }

  #makeRecovery(): Recovery {
    return new Recovery({
      legs: this.#legs,
      regions: this.#regions,
      handleErrors: this.#setup.handleErrors,
      log: this.#context.log,
      isWaitedFor: () => this.#writer.hasWide,
      ended: (region) => {
        if (this.#regions.state(region) === RegionState.InSync) this.#log.idle(region);
        this.#writer.readmit();
        this.#checkSync();
      },
    });
  }

  #makeWriter(): MirrorWriter {
    const { handleErrors, keepLog } = this.#setup;
    return new MirrorWriter({
      begin: this.#context.begin,
      legs: this.#legs,
      regions: this.#regions,
      log: this.#log,
      handleErrors,
      keepLog,
      outOfSync: () => {
        this.#inSync = false;
      },
      quiet: (region) => {
        this.#recovery.quiet(region);
      },
      giveUpCopy: (region) => {
        this.#recovery.giveUp(region);
        this.#writer.readmit();
      },
      copyAgain: () => {
        if (!this.#legs.anyFailed) this.#recovery.restart();
      },
    });
  }

  /** What was written to the legs is stable afterwards; false: on one of them it may not be. */
  async #flushLegs(): Promise<boolean> {
    const results = await Promise.allSettled(this.#setup.legs.map(({ port }) => port.flush()));
    const failed = results.reduce(
      (bits, { status }, leg) => (status === 'rejected' ? bits | (1 << leg) : bits),
      0,
    );
    if (failed === 0) return true;
    this.#legs.loseCache();
    this.#legs.failAll(failed, LegError.Flush);
    return false;
  }
}
