import { rivalOf } from './claims.ts';
import { bioPool } from './bio-pool.ts';
import type { Bio, Holder } from './bio.ts';
import { Status } from './constants.ts';
import { entryBelow, relink } from './device-graph.ts';
import { DevicePath } from './device-path.ts';
import type { MetadataContext } from './contexts.ts';
import type { Driver } from './driver.ts';
import { asError, fail } from './errors.ts';
import type { Extent } from './extents.ts';
import { FilterStack, type FilterStep } from './filter-stack.ts';
import type { Gate } from './gate.ts';
import { type Limits, sameLimits } from './limits.ts';
import { Port, type PortOptions } from './port.ts';
import { contextsOf, extentsThrough } from './stack-extents.ts';

/** What a device tells its engine. */
export interface DeviceObserver {
  /** A plugin broke its contract on this device. */
  fault(device: BlockDevice, culprit: string, error: Error): void;
  /** A port was closed. */
  released(device: BlockDevice): void;
}

const NO_PORTS: readonly Port[] = [];

/** A plugin that broke its contract, and how. */
export interface Fault {
  readonly culprit: string;
  readonly error: Error;
}

/**
 * A block device: name, claims, limits, a filter stack and one driver at the bottom. Every device has the whole of it, so
 * anything can be slid over any device. Bios go through its path.
 */
export class BlockDevice {
  name: string;
  readonly major: number;
  readonly minor: number;
  /** Name of the driver type at the bottom; `table` for a mapped device. */
  readonly driverType: string;
  readonly ports: Set<Port> = new Set<Port>();
  readonly path: DevicePath;
  readonly #observer: DeviceObserver;
  #fault: Fault | null = null;
  #lost = false;
  #driver: Driver;
  #stack: FilterStack = new FilterStack();
  #limits: Limits;
  /** The limits above each filter, highest first, and at last those of the driver. */
  #levels: readonly Limits[];

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
    this.path = new DevicePath(this, driver);
    this.#driver = driver;
    this.#limits = driver.limits;
    this.#levels = [driver.limits];
    this.restack();
  }

  /** As the kernel writes it, e.g. `7:0`. */
  get number(): string {
    return `${String(this.major)}:${String(this.minor)}`;
  }

  get gate(): Gate {
    return this.path.gate;
  }

  /** Set while a plugin that broke its contract is on the path: every bio fails. */
  get fault(): Fault | null {
    return this.#fault;
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

  /** Ports through which the driver sends bios on: those of a table. */
  get driverPorts(): readonly Port[] {
    return NO_PORTS;
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Whether anybody needs the device: somebody has it open, or put a filter on it that stays. */
  get inUse(): boolean {
    const passing = this.#stack.steps.filter(({ byRule }) => byRule);
    return [...this.ports].some((port) => !passing.some((step) => step.port === port));
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
    const rival = rivalOf(options, this.ports);
    if (rival !== undefined) {
      throw fail('EBUSY', `${this.name} is in use: ${rival.claim} claim of ${rival.holder}`);
    }
    if (options.mode === 'write' && this.#limits.readOnly) throw fail('EROFS', `${this.name} is read-only`);
    const port = new Port(this, options);
    this.ports.add(port);
    this.#place(port);
    return port;
  }

  /** A port's own: use `Port.close`. */
  release(port: Port): void {
    this.ports.delete(port);
    this.#observer.released(this);
  }

  /** Closed gate only: another driver at the bottom. A fault of the old one is over. */
  replaceDriver(driver: Driver): void {
    this.#driver = driver;
    this.recover();
    this.restack();
  }

  /** Closed gate only: another filter stack. */
  replaceStack(stack: FilterStack): void {
    const before = this.#promises();
    this.#stack = stack;
    for (const port of this.ports) stack.place(port);
    this.#follow();
    relink(this);
    tellChanges(before);
  }

  /** Sets where the bios of its ports enter, after an edit here or of what lies behind a branch of the stack. */
  placePorts(): void {
    const before = this.#promises();
    for (const port of this.ports) this.#place(port);
    tellChanges(before);
  }

  /** Works out the limits again, from the driver up, and tells those who have the device open and see another change. */
  restack(): void {
    const before = this.#promises();
    this.#follow();
    tellChanges(before);
  }

  /** What a port's bios may count on: the limits above the highest filter that sees them. */
  limitsFor(port: Port): Limits {
    return this.#levels[port.level]!;
  }

  /** Allocation as seen through a port. */
  async extents(sector: number, count: number, port: Port): Promise<Extent[]> {
    return extentsThrough(this.#stepsBelow(port), this.#driver).extents(sector, count);
  }

  /** What the filters that a port sees publish, highest first. */
  contexts(port: Port): MetadataContext[] {
    return contextsOf(this.#stepsBelow(port));
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
    this.#setFault(this.#fault ?? { culprit: holder.label, error });
    this.reportFault(holder.label, error);
    this.path.failWaiting(Status.Io);
    if (holder === this.path.bottom) return; // Real I/O may still be going on in its buffers: it ends by itself.
    this.#failHeldBy((one) => one === holder, Status.Io);
  }

  /** The culprit is out of the path: the device serves again, unless there is another. */
  recover(): void {
    const next = this.#stack.steps.find((step) => step.fenced);
    const error = new Error('it broke its contract earlier');
    this.#setFault(next === undefined ? null : { culprit: next.label, error });
  }

  /** What is below is gone, for good: bios that wait fail, and so does every new one. */
  lose(): void {
    this.#lost = true;
    this.path.refusal = Status.NoDev;
    this.path.failWaiting(Status.NoDev);
  }

  /** Fails the bios that plugins on a lost device hold. What the driver of a leaf device got it ends itself. */
  failHeld(): void {
    this.#failHeldBy((holder) => holder.device === this && holder !== this.path.bottom, Status.NoDev);
  }

  /** Takes a filter out of a lost device. */
  drop(step: FilterStep): void {
    step.fenced = true;
    this.replaceStack(this.#stack.without(step));
  }

  /** The bios inside, and who has them: for the report of a drain that took too long. */
  stuck(): string[] {
    const report: string[] = [];
    for (const bio of bioPool.pending()) {
      if (bio.isInside(this)) report.push(`${bio.toString()} held by ${holderLabel(bio)}`);
    }
    return report;
  }

  /** Takes the limits, and the path, from the driver and the stack that are in place. */
  #follow(): void {
    const levels = [this.#driver.limits];
    for (const step of [...this.#stack.steps].reverse()) levels.unshift(this.#limitsWith(step, levels[0]!));
    this.#levels = levels;
    this.#limits = levels[0]!;
    this.path.follow(this.#driver, this.#stack, this.#limits);
  }

  #stepsBelow(port: Port): FilterStep[] {
    return this.#stack.steps.filter((step) => port.sees(step.altitude));
  }

  /** What each port was promised. */
  #promises(): Map<Port, Limits> {
    return new Map([...this.ports].map((port) => [port, port.limits]));
  }

  #place(port: Port): void {
    port.below = entryBelow(port);
    this.#stack.place(port);
  }

  /** Whoever holds them may still write to them and to their buffers: they are not used again. */
  #failHeldBy(isMeant: (holder: Holder) => boolean, status: Status): void {
    for (const bio of [...bioPool.pending()]) {
      if (bio.holder === null || !isMeant(bio.holder)) continue;
      bio.abandoned = true;
      bio.complete(status);
    }
  }

  #setFault(fault: Fault | null): void {
    this.#fault = fault;
    if (!this.#lost) this.path.refusal = fault === null ? Status.Ok : Status.Io;
  }

  #limitsWith(step: FilterStep, below: Limits): Limits {
    let limits = below;
    try {
      if (!step.fenced) limits = step.filter.limits?.(below) ?? below;
    } catch (error) {
      this.fence(step, asError(error));
    }
    return step.promise(limits);
  }
}

function tellChanges(before: ReadonlyMap<Port, Limits>): void {
  for (const [port, limits] of before) if (!sameLimits(limits, port.limits)) tell(port);
}

/** A user that cannot take the news is no reason to leave an edit half done. */
function tell(port: Port): void {
  try {
    port.onLimits?.(port.limits);
  } catch (error) {
    port.device.reportFault(port.holder, asError(error));
  }
}

function holderLabel(bio: Bio): string {
  return bio.holder === null ? 'nobody' : `${bio.holder.label} on ${bio.holder.device.name}`;
}
