import { bioPool } from './bio-pool.ts';
import type { Bio, Holder, Stage } from './bio.ts';
import { type Limits } from './limits.ts';
import { BioOp, hasOp, MapResult, type OpSet, PreResult, SECTOR_SIZE, Status } from './constants.ts';
import type { Driver } from './driver.ts';
import { asError, fail } from './errors.ts';
import { dataExtent, type Extent, type ExtentSource } from './extents.ts';
import { FilterStack, type FilterStep, type Link } from './filter-stack.ts';
import { Gate } from './gate.ts';
import { Port, type PortOptions } from './port.ts';
import { type Splittable, Splitter } from './split.ts';
import { dispatch } from './trampoline.ts';

/** What a device tells its engine. */
export interface DeviceObserver {
  /** A plugin broke its contract on this device. */
  fault(device: BlockDevice, culprit: string, error: Error): void;
  /** A port was closed. */
  released(device: BlockDevice): void;
}

/** A plugin that broke its contract, and how. */
export interface Fault {
  readonly culprit: string;
  readonly error: Error;
}

/** The bottom of a device as a holder of bios. */
interface Bottom extends Holder {
  label: string;
}

/**
 * A block device: checks, gate, filter stack, and one driver at the bottom. Every device has the whole of it, so anything
 * can be slid over any device; only this class walks the stack.
 */
export class BlockDevice implements Stage, Splittable {
  name: string;
  readonly major: number;
  readonly minor: number;
  /** Name of the driver type at the bottom; `table` for a mapped device. */
  readonly driverType: string;
  readonly gate: Gate = new Gate(this);
  readonly ports: Set<Port> = new Set<Port>();
  /** Devices below this one, at the longest: a table opens only devices of lower rank, so there are no cycles. */
  rank = 0;
  fault: Fault | null = null;
  /** Requeued bios are kept for the next table; otherwise they fail. True from the start of a noflush suspend to its end. */
  keepsRequeued = false;
  readonly #observer: DeviceObserver;
  readonly #splitter: Splitter;
  readonly #bottom: Bottom = { device: this, label: 'driver' };
  #requeued: Bio[] = [];
  #driver: Driver;
  #stack: FilterStack = new FilterStack();
  #limits: Limits;
  // What each bio needs of the stack and the limits, at hand; `restack` sets it.
  #chains: FilterStack['chains'];
  #sectors = 0;
  #readOnly = false;
  /** Logical block in sectors. */
  #block = 1;
  #bottomOps: OpSet = 0;
  #maxSectors = 0;
  /** Whether there can be a bio that is larger than the driver takes. */
  #splits = false;

  constructor(
    name: string,
    number: readonly [major: number, minor: number],
    driver: Driver,
    driverType: string,
    observer: DeviceObserver,
  ) {
    this.name = name;
    this.driverType = driverType;
    [this.major, this.minor] = number;
    this.#observer = observer;
    this.#splitter = new Splitter(this);
    this.#driver = driver;
    this.#limits = driver.limits;
    this.#chains = this.#stack.chains;
    this.restack();
  }

  /** As the kernel writes it, e.g. `7:0`. */
  get number(): string {
    return `${String(this.major)}:${String(this.minor)}`;
  }

  get driver(): Driver {
    return this.#driver;
  }

  /** What users of the device may count on, with the filters that are on it now. */
  get limits(): Limits {
    return this.#limits;
  }

  get stack(): FilterStack {
    return this.#stack;
  }

  /** Ports that are not the device's own filters'. */
  get users(): Port[] {
    return [...this.ports].filter((port) => !this.#stack.steps.some((step) => step.port === port));
  }

  /** How many have the device open, its own filters aside. */
  get openCount(): number {
    return this.users.length;
  }

  /** Opens a port. EBUSY if a claim forbids it, EROFS for writing to a read-only device. */
  open(options: PortOptions): Port {
    const rival = options.claim === 'noexcl' ? undefined : this.#rivalOf(options);
    if (rival !== undefined) {
      throw fail('EBUSY', `${this.name} is in use: ${rival.claim} claim of ${rival.holder}`);
    }
    if (options.mode === 'write' && this.#limits.readOnly) throw fail('EROFS', `${this.name} is read-only`);
    const port = new Port(this, options);
    this.ports.add(port);
    this.#stack.place(port);
    return port;
  }

  /** A port's own: use `Port.close`. */
  release(port: Port): void {
    this.ports.delete(port);
    this.#observer.released(this);
  }

  /** The way in, from the trampoline: gate, checks, filters below the port's altitude, driver. */
  enter(bio: Bio): MapResult {
    // Down the ranks there is no loop; a bio that does not go down is looked at closely.
    if (this.gate.closings > 0 || this.fault !== null || this.rank >= bio.rank || !this.#fits(bio)) {
      return this.#enterWithCare(bio);
    }
    return this.#admit(bio);
  }

  /** A queued bio that was requeued below the filters goes on there. */
  run(bio: Bio): MapResult {
    return this.#submitToDriver(bio);
  }

  room(sector: number): number {
    // Pieces end at multiples of the largest size, so that they stay aligned whatever the start.
    return this.#maxSectors - (sector % this.#maxSectors);
  }

  copies(): number {
    return 1;
  }

  dispatch(piece: Bio): MapResult {
    piece.holder = this.#bottom;
    return this.#driver.submit(piece);
  }

  /** A target asked to map the bio again: kept for the next table in a noflush suspend, an error at any other time. */
  requeue(bio: Bio): void {
    if (!this.keepsRequeued) {
      bio.complete(Status.Io);
      return;
    }
    this.#requeued.push(bio);
    this.gate.held++;
    this.gate.settle();
  }

  /** Sends what was requeued to the driver that is now in place. */
  replayRequeued(): void {
    for (const bio of this.#takeRequeued()) {
      bio.stage = this;
      dispatch(bio);
    }
  }

  /** Closed gate only: another driver at the bottom. A fault of the old one is over. */
  replaceDriver(driver: Driver): void {
    this.#driver = driver;
    this.recover();
    this.restack();
  }

  /** Closed gate only: another filter stack. */
  replaceStack(stack: FilterStack): void {
    this.#stack = stack;
    for (const port of this.ports) stack.place(port);
    this.restack();
  }

  /** Works out the limits again, from the driver up, and tells those who have the device open. */
  restack(): void {
    const below = this.#driver.limits;
    let limits = below;
    for (const step of [...this.#stack.steps].reverse()) {
      limits = this.#limitsWith(step, limits);
    }
    this.#limits = limits;
    this.#chains = this.#stack.chains;
    this.#sectors = limits.sectors;
    this.#readOnly = limits.readOnly;
    this.#bottomOps = below.ops;
    this.#maxSectors = below.maxSectors;
    this.#splits = below.maxSectors < limits.sectors;
    this.#block = limits.logicalBlock / SECTOR_SIZE;
    for (const port of this.ports) tell(port, limits);
  }

  /** Allocation as seen through a port. */
  async extents(sector: number, count: number, port: Port): Promise<Extent[]> {
    const steps = this.#stack.steps.filter((step) => port.sees(step.altitude));
    return this.#extentsFrom(steps).extents(sector, count);
  }

  /** Raises a fault event without consequences for the device. */
  reportFault(culprit: string, error: Error): void {
    this.#observer.fault(this, culprit, error);
  }

  /**
   * A plugin on this device broke its contract: it is not called again, the bios it holds and those that wait fail, and so
   * does every new one until `recover`.
   */
  fence(holder: Holder, error: Error): void {
    if ('fenced' in holder) holder.fenced = true;
    this.fault ??= { culprit: holder.label, error };
    this.reportFault(holder.label, error);
    this.failWaiting(Status.Io);
    if (holder === this.#bottom) return; // Real I/O may still be going on in its buffers: it ends by itself.
    for (const bio of [...bioPool.pending()]) {
      if (bio.holder !== holder) continue;
      bio.abandoned = true;
      bio.complete(Status.Io);
    }
  }

  /** Fails the bios that wait for the gate or for the next table. */
  failWaiting(status: Status): void {
    for (const bio of this.gate.takeParked()) bio.complete(status);
    const requeued = this.#takeRequeued();
    for (const bio of requeued) bio.complete(status);
  }

  /** The culprit is out of the path: the device serves again, unless there is another. */
  recover(): void {
    const next = this.#stack.steps.find((step) => step.fenced);
    this.fault =
      next === undefined ? null : { culprit: next.label, error: new Error('it broke its contract earlier') };
  }

  /** The bios inside, and who has them: for the report of a drain that took too long. */
  stuck(): string[] {
    const report: string[] = [];
    for (const bio of bioPool.pending()) {
      if (bio.isInside(this)) report.push(`${bio.toString()} held by ${holderLabel(bio)}`);
    }
    return report;
  }

  #takeRequeued(): Bio[] {
    const bios = this.#requeued;
    this.#requeued = [];
    this.gate.held -= bios.length;
    return bios;
  }

  #limitsWith(step: FilterStep, below: Limits): Limits {
    let limits = below;
    try {
      if (!step.fenced) limits = step.filter.limits?.(below) ?? below;
    } catch (error) {
      this.fence(step, asError(error));
    }
    return { ...limits, ops: limits.ops & step.ops };
  }

  #admit(bio: Bio): MapResult {
    const { op } = bio;
    const entry = bio.port!.entry[op]!;
    const chain = this.#chains[op]!;
    this.gate.inflight++;
    bio.rank = this.rank;
    bio.deviceDepth = bio.depth;
    bio.watch(this.gate, entry);
    bio.cursor = entry;
    return entry === chain.length ? this.#submitToDriver(bio) : this.#descend(bio, chain);
  }

  /** Whether the device has such sectors and may change them. Written so that NaN fails too. */
  #fits({ op, sector, count }: Bio): boolean {
    if (op === BioOp.Flush) return true;
    return (
      sector >= 0 &&
      count > 0 &&
      sector <= this.#sectors - count &&
      (this.#block === 1 || (sector % this.#block === 0 && count % this.#block === 0)) &&
      (op === BioOp.Read || !this.#readOnly)
    );
  }

  /** The rare cases, apart from the fast path. */
  #enterWithCare(bio: Bio): MapResult {
    const port = bio.port!;
    if (this.gate.closings > 0 && port.below === null && this.fault === null) {
      this.gate.park(bio);
      return MapResult.Submitted;
    }
    const problem = this.#check(bio, port);
    if (problem === Status.Ok) return this.#admit(bio);
    bio.complete(problem);
    return MapResult.Submitted;
  }

  #check(bio: Bio, port: Port): Status {
    if (this.fault !== null) return Status.Io;
    if (!this.#fits(bio)) {
      const forbidden = this.#readOnly && bio.op !== BioOp.Read && bio.sector + bio.count <= this.#sectors;
      return forbidden ? Status.Perm : Status.Inval;
    }
    if (this.rank >= bio.rank && this.#isLoop(bio, port)) {
      this.reportFault(
        bio.holder?.label ?? 'unknown',
        new Error(`${bio.toString()} met the filters of ${this.name} twice`),
      );
      return Status.Io;
    }
    return Status.Ok;
  }

  /** A bio may come back to a device it is in only below the point it had reached there. */
  #isLoop(bio: Bio, port: Port): boolean {
    const entry = port.entry[bio.op]!;
    for (let owner: Bio | null = bio; owner !== null; owner = owner.parent) {
      for (let depth = owner.depth - 1; depth >= 0; depth--) {
        if (owner.frames[depth] !== this.gate) continue;
        const reached = owner.frameCookies[depth]!;
        return port.below === null || entry < reached;
      }
    }
    return false;
  }

  #descend(bio: Bio, chain: readonly Link[]): MapResult {
    while (bio.cursor < chain.length) {
      const { step, known } = chain[bio.cursor++]!;
      if (!known) {
        bio.complete(Status.NotSup);
        return MapResult.Submitted;
      }
      bio.holder = step;
      bio.frameCookies[bio.deviceDepth] = bio.cursor;
      const verdict = step.filter.pre(bio);
      if (verdict === PreResult.Pass) continue;
      if (verdict === PreResult.Watch) bio.watch(step, bio.cookie);
      else return answer(bio, verdict);
    }
    return this.#submitToDriver(bio);
  }

  #submitToDriver(bio: Bio): MapResult {
    if (!hasOp(this.#bottomOps, bio.op)) {
      bio.complete(Status.NotSup);
      return MapResult.Submitted;
    }
    bio.holder = this.#bottom;
    if (this.#splits && bio.count > this.#maxSectors) {
      this.#splitter.split(bio);
      return MapResult.Submitted;
    }
    const result = this.#driver.submit(bio);
    if (result <= MapResult.Remapped) return result;
    if (result === MapResult.Requeue) this.requeue(bio);
    else bio.complete(Status.Io);
    return MapResult.Submitted;
  }

  #extentsFrom(steps: readonly FilterStep[]): ExtentSource {
    const [top, ...rest] = steps;
    if (top === undefined) {
      const driver = this.#driver;
      return {
        extents: async (sector, count) =>
          (await driver.extents?.(sector, count)) ?? [dataExtent(sector, count)],
      };
    }
    const below = this.#extentsFrom(rest);
    return {
      extents: async (sector, count) =>
        (await top.filter.extents?.(below, sector, count)) ?? [dataExtent(sector, count)],
    };
  }

  #rivalOf({ claim, holder }: PortOptions): Port | undefined {
    for (const port of this.ports) {
      if (port.claim === 'noexcl') continue;
      if (claim === 'exclusive' && port.claim === 'exclusive' && port.holder === holder) continue;
      if (claim === 'exclusive' || port.claim === 'exclusive') return port;
    }
    return undefined;
  }
}

function answer(bio: Bio, verdict: PreResult): MapResult {
  if (verdict === PreResult.Complete) bio.complete(bio.result);
  return MapResult.Submitted;
}

/** A user that cannot take the news is no reason to leave an edit half done. */
function tell(port: Port, limits: Limits): void {
  try {
    port.onLimits?.(limits);
  } catch (error) {
    port.device.reportFault(port.holder, asError(error));
  }
}

function holderLabel(bio: Bio): string {
  return bio.holder === null ? 'nobody' : `${bio.holder.label} on ${bio.holder.device.name}`;
}
