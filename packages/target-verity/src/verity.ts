import {
  type Area,
  type Bio,
  BioOp,
  EndResult,
  fail,
  type Frame,
  type Limits,
  MapResult,
  SECTOR_SIZE,
  Status,
  type Target,
  type TargetContext,
} from '@interposer/core';
import { bytesOfHex, BlockHasher } from '@interposer/format-verity';
import { Damage, type Emergency } from './damage.ts';
import { HashTree } from './hash-tree.ts';
import { parityLayout } from './parity.ts';
import { Repair } from './repair.ts';
import { tableText, type VerityTable } from './table-args.ts';
import { TurnBudget } from './turn-budget.ts';
import { VerifiedBlocks } from './verified-blocks.ts';

/** Bytes of a request that are verified in one go; a longer one is cut. */
const MAX_IO = 2 ** 20;

/** What a target is made with besides its line. */
export interface VerityPlace extends Pick<TargetContext, 'begin' | 'sectors' | 'log' | 'event'> {
  readonly emergency: (action: Emergency, reason: string) => void;
  /** As a filter it makes its device read-only; a table is so by itself. */
  readonly isFilter: boolean;
}

/** Checks each block of data that is read against a tree of hashes. Kernel: dm-verity-target.c. */
export class Verity implements Target, Frame {
  readonly maxIo: number;
  readonly flushCopies = 0;
  readonly #place: VerityPlace;
  readonly #table: VerityTable;
  readonly #damage: Damage;
  readonly #tree: HashTree;
  readonly #repair: Repair | null;
  readonly #hasher: BlockHasher;
  readonly #blockSize: number;
  readonly #zeroDigest: string | null;
  readonly #verified: VerifiedBlocks | null;
  readonly #budget: TurnBudget = new TurnBudget((bio) => this.#begin(bio));

  constructor(place: VerityPlace, table: VerityTable) {
    const { params, options, layout, hash, root } = table;
    this.#place = place;
    this.#table = table;
    this.#blockSize = params.dataBlockSize;
    this.maxIo = MAX_IO / SECTOR_SIZE;
    this.#hasher = new BlockHasher(params, params.dataBlockSize);
    const { log, event, emergency } = place;
    const device = (): string => table.data.device.number;
    this.#damage = new Damage(options.onCorruption, options.onError, { device, log, event, emergency });
    const rootDigest = Buffer.from(bytesOfHex(root)!).toString('latin1');
    this.#tree = new HashTree(hash, params, layout, rootDigest, this.#damage);
    this.#zeroDigest = options.ignoreZeroBlocks
      ? this.#hasher.digest(new Uint8Array(this.#blockSize), 0)
      : null;
    this.#verified = options.checkAtMostOnce ? new VerifiedBlocks(params.dataBlocks) : null;
    this.#repair = this.#makeRepair();
    this.#tree.repair = this.#repair;
  }

  #makeRepair(): Repair | null {
    const { options, params, data, hash, hashStart } = this.#table;
    const { fec } = options;
    if (fec === undefined) return null;
    return new Repair({
      params,
      data,
      hash,
      hashStart,
      layout: parityLayout(this.#table, fec),
      fec: fec.port,
      fecOffset: fec.start * this.#blockSize,
      digestOf: (block, repairing) => this.#tree.digestOf(block, repairing),
      zeroDigest: this.#zeroDigest,
      log: this.#place.log,
    });
  }

  map(bio: Bio): MapResult {
    if (bio.op !== BioOp.Read || this.#damage.isFatal) return MapResult.Kill;
    const sector = bio.sector - this.#place.begin;
    const block = (sector * SECTOR_SIZE) / this.#blockSize;
    const count = (bio.count * SECTOR_SIZE) / this.#blockSize;
    // Limits keep such requests away; what slips through is not verified, so it does not pass.
    if (!Number.isInteger(block) || !Number.isInteger(count)) return MapResult.Kill;
    bio.port = this.#table.data;
    if (this.#verified?.hasAll(block, count) !== true) {
      this.#tree.prefetch(block, block + count - 1);
      bio.watch(this);
    }
    bio.sector = sector;
    return MapResult.Remapped;
  }

  /** What comes back from the device of the data. */
  endIo(bio: Bio): EndResult {
    if (bio.status !== Status.Ok) return this.#readFailed(bio);
    if (!this.#budget.take(bio.count * SECTOR_SIZE)) {
      bio.reopen();
      this.#budget.wait(bio);
      return EndResult.Incomplete;
    }
    const done = this.#verifyFrom(bio, 0);
    if (done === bio.count * SECTOR_SIZE) return EndResult.Done;
    bio.reopen();
    void this.#help(bio, done);
    return EndResult.Incomplete;
  }

  /** A bio that waited for its turn. */
  #begin(bio: Bio): void {
    const done = this.#verifyFrom(bio, 0);
    if (done === bio.count * SECTOR_SIZE) bio.complete(Status.Ok);
    else void this.#help(bio, done);
  }

  /** With parity the blocks can still be made out, one by one. */
  #readFailed(bio: Bio): EndResult {
    if (this.#repair === null) {
      this.#damage.unreadable();
      return EndResult.Done;
    }
    bio.reopen();
    bio.buffer.fill(0, bio.bufferOffset, bio.bufferOffset + bio.count * SECTOR_SIZE);
    void this.#help(bio, 0, true);
    return EndResult.Incomplete;
  }

  #blockOf(bio: Bio, done: number): number {
    return ((bio.sector - this.#place.begin) * SECTOR_SIZE + done) / this.#blockSize;
  }

  /** Verifies what can be at once, from a byte of the request on. Answers the byte of the first block that takes more. */
  #verifyFrom(bio: Bio, from: number): number {
    const bytes = bio.count * SECTOR_SIZE;
    const size = this.#blockSize;
    let block = this.#blockOf(bio, from);
    for (let done = from; done < bytes; done += size, block++) {
      if (this.#verified?.has(block) === true) continue;
      const wanted = this.#tree.digestAtHand(block);
      if (wanted === null) return done;
      if (!this.#isRight(bio, done, wanted)) return done;
      if (wanted !== this.#zeroDigest) this.#verified?.add(block);
    }
    return bytes;
  }

  /** A block that must be zeroes is made so, whatever was read. */
  #isRight(bio: Bio, done: number, wanted: string): boolean {
    const at = bio.bufferOffset + done;
    if (wanted === this.#zeroDigest) {
      bio.buffer.fill(0, at, at + this.#blockSize);
      return true;
    }
    return this.#hasher.digest(bio.buffer, at) === wanted;
  }

  /** The rest of a request, of which a block needs its digest read, or is wrong. */
  async #help(bio: Bio, from: number, isUnread = false): Promise<void> {
    const bytes = bio.count * SECTOR_SIZE;
    let status: Status = Status.Ok;
    try {
      for (let done = from; done < bytes;) {
        await this.#helpBlock(bio, done, isUnread);
        done = this.#verifyFrom(bio, done + this.#blockSize);
      }
    } catch {
      // Damage has told what it is about.
      status = Status.Io;
    }
    bio.complete(this.#damage.isFatal ? Status.Io : status);
  }

  /** Rejects where the block is not to be had. */
  async #helpBlock(bio: Bio, done: number, isUnread: boolean): Promise<void> {
    const block = this.#blockOf(bio, done);
    const at = bio.bufferOffset + done;
    const wanted = await this.#tree.digestOf(block, []);
    if (this.#isRight(bio, done, wanted)) {
      if (wanted !== this.#zeroDigest) this.#verified?.add(block);
      return;
    }
    if ((await this.#repair?.dataBlock(block, wanted, bio.buffer, at)) === true) return;
    if (isUnread) this.#damage.unreadable();
    if (isUnread || !this.#damage.corrupted('data', block))
      throw fail('EIO', `block ${String(block)} of the data is not to be had`);
  }

  areas(): readonly Area[] {
    return [{ port: this.#table.data, start: 0, count: this.#place.sectors }];
  }

  /** Kernel: verity_io_hints. */
  limits(stacked: Limits): Limits {
    const logicalBlock = Math.max(stacked.logicalBlock, this.#blockSize);
    return {
      ...stacked,
      logicalBlock,
      physicalBlock: Math.max(stacked.physicalBlock, this.#blockSize),
      ioMin: Math.max(stacked.ioMin, logicalBlock),
      readOnly: stacked.readOnly || this.#place.isFilter,
    };
  }

  table(): string {
    return tableText(this.#table);
  }

  /** V: nothing was found to be corrupted; C: something was. */
  status(): string {
    return this.#damage.seen ? 'C' : 'V';
  }
}
