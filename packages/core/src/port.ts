import { type Altitude, compareAltitudes } from './altitude.ts';
import { type Bio, integrityBytes } from './bio.ts';
import { bioPool } from './bio-pool.ts';
import type { BlockDevice } from './block-device.ts';
import type { DevicePath } from './device-path.ts';
import { BioFlag, BioOp, hasOp, OP_COUNT, OP_NAMES, SECTOR_SIZE, Status } from './constants.ts';
import type { MetadataContext } from './contexts.ts';
import { codeOfErrno, fail } from './errors.ts';
import type { Extent } from './extents.ts';
import type { Limits } from './limits.ts';
import { writeAfterPreflush } from './preflush.ts';
import { dispatch } from './trampoline.ts';

/**
 * How a port claims its device. `exclusive`: no other holder may claim it, though several ports of one holder may (two
 * tables over one disk, as in the kernel). `shared`: any number of shared claims, no exclusive one. `noexcl`: none at all.
 */
export type Claim = 'exclusive' | 'shared' | 'noexcl';

/** How to open a device. */
export interface PortOptions {
  readonly mode: 'read' | 'write';
  readonly claim: Claim;
  /** Who claims: ports of one holder do not exclude one another. */
  readonly holder: string;
  /** Bios enter below this altitude; absent: at the top. */
  readonly below?: Altitude;
  /** The device whose table or filter opens it: one below the other. */
  readonly owner?: BlockDevice;
  /** Ports that are about to close, whose claims do not count. */
  readonly inPlaceOf?: ReadonlySet<Port>;
}

/** An open handle on a device, through which bios enter it. */
export class Port {
  readonly device: BlockDevice;
  /** Core's: where its bios go. */
  readonly path: DevicePath;
  readonly mode: 'read' | 'write';
  claim: Claim;
  readonly holder: string;
  /** Core's: bios enter below this altitude; null: at the top. Follows the edits of the device, see `entryBelow`. */
  below: Altitude | null;
  /** The altitude it was opened below. */
  readonly openedBelow: Altitude | null;
  readonly owner: BlockDevice | null;
  /** Core's: where in the filter chain of each operation bios enter. */
  readonly entry: number[] = new Array<number>(OP_COUNT).fill(0);
  /** Core's: how many filters of the device lie above it. */
  level = 0;
  /** Told when the device's limits changed after an edit. */
  onLimits: ((limits: Limits) => void) | null = null;
  #open = true;

  /** Use `BlockDevice.open`. */
  constructor(device: BlockDevice, options: PortOptions) {
    this.device = device;
    this.path = device.path;
    this.mode = options.mode;
    this.claim = options.claim;
    this.holder = options.holder;
    this.openedBelow = options.below ?? null;
    this.below = this.openedBelow;
    this.owner = options.owner ?? null;
  }

  /** What the device promises to bios of this port. */
  get limits(): Limits {
    return this.device.limitsFor(this);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether a filter of that altitude lies below this port. */
  sees(altitude: Altitude): boolean {
    return this.below === null || compareAltitudes(altitude, this.below) < 0;
  }

  /**
   * Sends a bio that its submitter filled in: op, flags, sector, count, buffer, end. `end` runs exactly once and may run
   * before this returns.
   */
  submit(bio: Bio): void {
    bio.port = this;
    bio.origin = this.device;
    bio.status = Status.Pending;
    const problem = this.#check(bio);
    if (problem !== Status.Ok) bio.complete(problem);
    else if ((bio.flags & BioFlag.Preflush) !== 0) writeAfterPreflush(bio);
    else dispatch(bio);
  }

  /** Sends on a bio that a filter or target has in hand; its origin and frames stay. */
  forward(bio: Bio): void {
    bio.port = this;
    dispatch(bio);
  }

  /** Reads sectors into a buffer, a new one by default. Rejects with the code of the failure. */
  async read(sector: number, count: number, into?: Uint8Array): Promise<Uint8Array> {
    const buffer = into ?? new Uint8Array(count * SECTOR_SIZE);
    await this.#run(BioOp.Read, sector, count, buffer, 0);
    return buffer;
  }

  /** Writes a buffer of whole sectors. */
  async write(sector: number, data: Uint8Array, flags = 0): Promise<void> {
    if (data.length % SECTOR_SIZE !== 0)
      throw fail('EINVAL', `${String(data.length)} bytes are no whole number of sectors`);
    await this.#run(BioOp.Write, sector, data.length / SECTOR_SIZE, data, flags);
  }

  /** Makes every write completed before this call stable. */
  async flush(): Promise<void> {
    await this.#run(BioOp.Flush, 0, 0, undefined, 0);
  }

  async discard(sector: number, count: number): Promise<void> {
    await this.#run(BioOp.Discard, sector, count, undefined, 0);
  }

  async writeZeroes(sector: number, count: number, flags = 0): Promise<void> {
    await this.#run(BioOp.WriteZeroes, sector, count, undefined, flags);
  }

  /** Which sectors are allocated, as seen from this port. */
  extents(sector: number, count: number): Promise<Extent[]> {
    return this.device.extents(sector, count, this);
  }

  /** What the filters below this port publish about its ranges, as they are now; see `Filter.contexts`. */
  contexts(): MetadataContext[] {
    return this.device.contexts(this);
  }

  /** Gives the claim up. Bios in flight complete as usual; new ones are refused. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.device.release(this);
  }

  #check(bio: Bio): Status {
    if (!this.#open) return Status.NoDev;
    const { op } = bio;
    if (op === BioOp.Flush) return Status.Ok;
    // As the kernel has it: what a device never takes is told before that it may not be changed.
    if (op !== BioOp.Read && this.mode === 'read')
      return hasOp(this.limits.ops, op) ? Status.Perm : Status.NotSup;
    const hasData = op === BioOp.Read || op === BioOp.Write;
    if (hasData && bio.bufferOffset + bio.count * SECTOR_SIZE > bio.buffer.length) return Status.Inval;
    return bio.integrityRate === 0 || holdsIntegrity(bio) ? Status.Ok : Status.Inval;
  }

  #run(
    op: BioOp,
    sector: number,
    count: number,
    buffer: Uint8Array | undefined,
    flags: number,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const bio = bioPool.get();
      bio.op = op;
      bio.flags = flags;
      bio.sector = sector;
      bio.count = count;
      if (buffer !== undefined) bio.buffer = buffer;
      bio.end = (done) => {
        const { status } = done;
        bioPool.put(done);
        if (status === Status.Ok) resolve();
        else reject(this.#failure(op, sector, count, status));
      };
      this.submit(bio);
    });
  }

  #failure(op: BioOp, sector: number, count: number, status: Status): Error {
    const what =
      op === BioOp.Flush ? 'flush' : `${OP_NAMES[op] ?? ''} of sectors ${String(sector)}+${String(count)}`;
    const code = codeOfErrno(status);
    return fail(code, `${what} on ${this.device.name} failed: ${code}`);
  }
}

/** Written so that NaN fails too. */
function holdsIntegrity(bio: Bio): boolean {
  const { op, count, integrity, integrityOffset } = bio;
  return op <= BioOp.Write && integrityOffset + integrityBytes(bio, count) <= integrity.length;
}
