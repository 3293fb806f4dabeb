import type { BlockDevice } from './block-device.ts';
import type { Bio, Holder, Stage } from './bio.ts';
import { isSampled } from './cost.ts';
import { BioOp, hasOp, MapResult, type OpSet, opSet, PreResult, SECTOR_SIZE, Status } from './constants.ts';
import { reportMisuse } from './containment.ts';
import type { Driver } from './driver.ts';
import type { FilterStack, Link } from './filter-stack.ts';
import { Gate } from './gate.ts';
import { integrityRate, type Limits } from './limits.ts';
import type { Port } from './port.ts';
import { type Splittable, Splitter } from './split.ts';
import { dispatch } from './trampoline.ts';

/**
 * The way of a bio through one device: gate, checks, filters, driver. Only this class walks the stack. It is apart from
 * `BlockDevice`, of which there are several kinds, so that every bio meets one hidden class on its way.
 */
export class DevicePath implements Stage, Splittable {
  readonly gate: Gate;
  /** Devices below, at the longest: a table opens only devices of lower rank, so there are no cycles. */
  rank = 0;
  /** The rank it has whatever is below: a mapped device is never the last on the way of a bio. */
  leastRank = 0;
  /** What every new bio fails with: a plugin on the device broke its contract, or it is gone. `Ok`: it serves. */
  refusal: Status = Status.Ok;
  /** Requeued bios are kept for the next table; otherwise they fail. True from the start of a noflush suspend to its end. */
  keepsRequeued = false;
  /** The driver as a holder of bios. */
  readonly bottom: Holder;
  readonly #device: BlockDevice;
  readonly #splitter: Splitter;
  #requeued: Bio[] = [];
  #driver: Driver;
  // What each bio needs of the stack and the limits, at hand; `follow` sets it.
  #chains: FilterStack['chains'] = [];
  #sectors = 0;
  #readOnly = false;
  /** Logical block in sectors. */
  #block = 1;
  #bottomOps: OpSet = 0;
  /** Operations that the driver takes and no filter looks at. */
  #plainOps: OpSet = 0;
  #maxSectors = 0;
  #maxRangeSectors = 0;

  constructor(device: BlockDevice, driver: Driver) {
    this.#device = device;
    this.gate = new Gate(device);
    this.bottom = { device, label: 'driver' };
    this.#splitter = new Splitter(this);
    this.#driver = driver;
  }

  /** Takes over another driver, stack and limits. Closed gate only, but where nothing but the limits changed. */
  follow(driver: Driver, stack: FilterStack, limits: Limits): void {
    const below = driver.limits;
    this.#driver = driver;
    this.#chains = stack.chains;
    this.#sectors = limits.sectors;
    this.#readOnly = limits.readOnly;
    this.#block = limits.logicalBlock / SECTOR_SIZE;
    this.#bottomOps = below.ops;
    this.#plainOps = stack.chains.reduce(
      (ops, chain, op) => (chain.length > 0 ? ops & ~opSet(op as BioOp) : ops),
      below.ops,
    );
    // No bio is larger than the device; so the number stays a small one where there is no limit.
    this.#maxSectors = Math.min(below.maxSectors, limits.sectors);
    this.#maxRangeSectors = Math.min(below.maxRangeSectors, limits.sectors);
  }

  /** The way in, from the trampoline: gate, checks, filters below the port's altitude, driver. */
  enter(bio: Bio): MapResult {
    if (!this.#isPlain(bio)) return this.#enterWithCare(bio);
    this.gate.entered++;
    bio.rank = this.rank;
    bio.passGate(this.gate);
    bio.holder = this.bottom;
    const result = this.#driver.submit(bio);
    return result <= MapResult.Remapped ? result : this.#refused(bio, result);
  }

  /** A queued bio that was requeued below the filters goes on there. */
  run(bio: Bio): MapResult {
    return this.#submitToDriver(bio);
  }

  room(sector: number, op: BioOp): number {
    const most = this.#largest(op);
    // Pieces end at multiples of the largest size, so that they stay aligned whatever the start.
    return most - (sector % most);
  }

  copies(): number {
    return 1;
  }

  dispatch(piece: Bio): MapResult {
    piece.holder = this.bottom;
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

  /** Fails the bios that wait for the gate or for the next table. */
  failWaiting(status: Status): void {
    for (const bio of this.gate.takeParked()) bio.complete(status);
    const requeued = this.#takeRequeued();
    for (const bio of requeued) bio.complete(status);
  }

  #takeRequeued(): Bio[] {
    const bios = this.#requeued;
    this.#requeued = [];
    this.gate.held -= bios.length;
    return bios;
  }

  /**
   * Whether nothing stands between the bio and the driver, as with most devices of a stack: not its first device, no filter
   * that looks at the operation, nothing to cut. `enter` is short for such a bio, so that the compiler can inline its way.
   */
  #isPlain(bio: Bio): boolean {
    return (
      this.gate.closings === 0 &&
      this.refusal === Status.Ok &&
      // Down the ranks there is no loop; a bio that does not go down is looked at closely.
      this.rank < bio.rank &&
      bio.depth > 0 &&
      hasOp(this.#plainOps, bio.op) &&
      bio.count <= this.#maxSectors &&
      bio.integrityRate === 0 &&
      this.#fits(bio)
    );
  }

  #admit(bio: Bio): MapResult {
    const { op } = bio;
    const entry = bio.port!.entry[op]!;
    this.gate.entered++;
    bio.rank = this.rank;
    bio.deviceDepth = bio.depth;
    bio.watch(this.gate, entry);
    bio.cursor = entry;
    return this.#descend(bio, this.#chains[op]!);
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
    if (this.gate.closings > 0 && port.below === null && this.refusal === Status.Ok) {
      this.gate.park(bio);
      return MapResult.Submitted;
    }
    const problem = this.#check(bio, port);
    if (problem === Status.Ok) return this.#admit(bio);
    bio.complete(problem);
    return MapResult.Submitted;
  }

  #check(bio: Bio, port: Port): Status {
    if (this.refusal !== Status.Ok) return this.refusal;
    if (!isWhole(bio)) return Status.Inval;
    const isEasy = port.below === null && bio.integrityRate === 0;
    const problem = isEasy && this.#fits(bio) ? Status.Ok : checkBounds(bio, port.limits);
    if (problem !== Status.Ok) return problem;
    if (this.rank >= bio.rank && this.#isLoop(bio, port)) {
      this.#device.reportFault(
        bio.holder?.label ?? 'unknown',
        new Error(`${bio.toString()} met the filters of ${this.#device.name} twice`),
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
        if (port.below === null) return true;
        // Without filters nobody can be met twice, and how far the bio had got is not on record.
        return this.#chains[bio.op]!.length > 0 && entry < owner.frameCookies[depth]!;
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
      const verdict = isSampled(++step.bios) ? step.timedPre(bio) : step.filter.pre(bio);
      if (bio.status !== Status.Pending && verdict !== PreResult.Taken) return passedOnComplete(bio);
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
    bio.holder = this.bottom;
    if (bio.count > this.#largest(bio.op)) {
      this.#splitter.split(bio);
      return MapResult.Submitted;
    }
    const result = this.#driver.submit(bio);
    return result <= MapResult.Remapped ? result : this.#refused(bio, result);
  }

  #largest(op: BioOp): number {
    return op <= BioOp.Write ? this.#maxSectors : this.#maxRangeSectors;
  }

  #refused(bio: Bio, result: MapResult): MapResult {
    if (result === MapResult.Requeue) this.requeue(bio);
    else bio.complete(Status.Io);
    return MapResult.Submitted;
  }
}

function isWhole({ op, sector, count }: Bio): boolean {
  return op === BioOp.Flush || (Number.isInteger(sector) && Number.isInteger(count));
}

/** Whether a device has such sectors and may change them, for whom it makes these promises. */
function checkBounds(bio: Bio, limits: Limits): Status {
  const { op, sector, count } = bio;
  const { sectors, readOnly, logicalBlock } = limits;
  if (op === BioOp.Flush) return Status.Ok;
  if (readOnly && op !== BioOp.Read && sector + count <= sectors) return Status.Perm;
  const block = logicalBlock / SECTOR_SIZE;
  // Written so that NaN fails too.
  const fits = sector >= 0 && count > 0 && sector <= sectors - count;
  const isAligned = sector % block === 0 && count % block === 0;
  const hasPlace = bio.integrityRate === 0 || bio.integrityRate === integrityRate(limits);
  return fits && isAligned && hasPlace ? Status.Ok : Status.Inval;
}

/** A filter ended a bio and let it go on all the same: it may be somebody else's by now. */
function passedOnComplete(bio: Bio): MapResult {
  reportMisuse(bio, 'passed on a bio that was complete already');
  return MapResult.Submitted;
}

function answer(bio: Bio, verdict: PreResult): MapResult {
  if (verdict === PreResult.Redirect) return MapResult.Remapped;
  if (verdict === PreResult.Complete) bio.complete(bio.result);
  return MapResult.Submitted;
}
