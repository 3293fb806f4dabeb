import {
  type Area,
  type Bio,
  BioOp,
  EndResult,
  fail,
  type Frame,
  type Holder,
  type Limits,
  MapResult,
  SECTOR_SIZE,
  Status,
  type Target,
  type TargetContext,
} from '@interposer/core';
import { bytesOfHex } from '@interposer/format-verity';
import { DataCheck } from './data-check.ts';
import { Damage, type Emergency } from './damage.ts';
import { HashTree } from './hash-tree.ts';
import { parityLayout } from './parity.ts';
import { Repair } from './repair.ts';
import { tableText, type VerityTable } from './table-args.ts';
import { TurnBudget } from './turn-budget.ts';

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
  readonly #check: DataCheck;
  readonly #repair: Repair | null;
  readonly #blockSize: number;
  readonly #sectorsPerBlock: number;
  /** What cannot be read, or comes too late, matters even where all was verified before. */
  readonly #isWatchful: boolean;
  /** Who has the bios that are here: named when a drain takes too long, and theirs fail when the device is gone. */
  #holder: Holder | null = null;
  readonly #budget: TurnBudget = new TurnBudget((bio) => this.#begin(bio));

  constructor(place: VerityPlace, table: VerityTable) {
    const { params, options, layout, hash, root } = table;
    this.#place = place;
    this.#table = table;
    this.#blockSize = params.dataBlockSize;
    this.#sectorsPerBlock = params.dataBlockSize / SECTOR_SIZE;
    this.maxIo = MAX_IO / SECTOR_SIZE;
    const { log, event, emergency } = place;
    const device = (): string => table.data.device.number;
    this.#damage = new Damage(options.onCorruption, options.onError, { device, log, event, emergency });
    this.#tree = new HashTree(hash, params, layout, bytesOfHex(root)!, this.#damage);
    this.#check = new DataCheck(this.#tree, params, options);
    const endsAll =
      options.onError !== 'eio' ||
      ['restart_on_corruption', 'panic_on_corruption'].includes(options.onCorruption);
    this.#isWatchful = options.fec !== undefined || endsAll;
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
      digestOf: (block, mending) => this.#tree.digestOf(block, mending),
      zeroDigest: this.#check.zeroDigest,
      log: this.#place.log,
    });
  }

  map(bio: Bio): MapResult {
    if (bio.op !== BioOp.Read || this.#damage.isFatal) return MapResult.Kill;
    const sector = bio.sector - this.#place.begin;
    const perBlock = this.#sectorsPerBlock;
    // Limits keep such requests away; what slips through is not verified, so it does not pass.
    if (sector % perBlock !== 0 || bio.count % perBlock !== 0) return MapResult.Kill;
    const block = sector / perBlock;
    const count = bio.count / perBlock;
    this.#holder = bio.holder;
    bio.port = this.#table.data;
    const isDone = this.#check.isDone(block, count);
    if (!isDone) this.#tree.prefetch(block, block + count - 1);
    if (!isDone || this.#isWatchful) bio.watch(this);
    bio.sector = sector;
    return MapResult.Remapped;
  }

  /** What comes back from the device of the data. */
  endIo(bio: Bio): EndResult {
    if (bio.status !== Status.Ok) return this.#readFailed(bio);
    if (this.#damage.isFatal) {
      bio.status = Status.Io;
      return EndResult.Done;
    }
    if (!this.#budget.take(bio.count * SECTOR_SIZE)) {
      this.#keep(bio);
      this.#budget.wait(bio);
      return EndResult.Incomplete;
    }
    const done = this.#verifyFrom(bio, 0);
    if (done === bio.count * SECTOR_SIZE) return EndResult.Done;
    this.#keep(bio);
    void this.#help(bio, done, false);
    return EndResult.Incomplete;
  }

  #keep(bio: Bio): void {
    bio.reopen();
    bio.holder = this.#holder;
  }

  /** A bio that waited for its turn. */
  #begin(bio: Bio): void {
    if (!isPending(bio)) return;
    let done = 0;
    try {
      if (!this.#damage.isFatal) done = this.#verifyFrom(bio, 0);
    } catch {
      // Nobody else would end it: OpenSSL has no memory.
      bio.complete(Status.Io);
      return;
    }
    if (this.#damage.isFatal) bio.complete(Status.Io);
    else if (done === bio.count * SECTOR_SIZE) bio.complete(Status.Ok);
    else void this.#help(bio, done, false);
  }

  /** With parity the blocks can still be made out, one by one. */
  #readFailed(bio: Bio): EndResult {
    if (this.#repair === null) {
      this.#damage.unreadable();
      return EndResult.Done;
    }
    this.#keep(bio);
    bio.buffer.fill(0, bio.bufferOffset, bio.bufferOffset + bio.count * SECTOR_SIZE);
    void this.#help(bio, 0, true);
    return EndResult.Incomplete;
  }

  #blockOf(bio: Bio, done: number): number {
    return ((bio.sector - this.#place.begin) * SECTOR_SIZE + done) / this.#blockSize;
  }

  /** Verifies what can be at once, from a byte of the request on. Answers the byte of the first block that takes more. */
  #verifyFrom(bio: Bio, from: number, isUnread = false): number {
    const { buffer, bufferOffset } = bio;
    const to = bufferOffset + bio.count * SECTOR_SIZE;
    const block = this.#blockOf(bio, from);
    return this.#check.verify(buffer, bufferOffset + from, to, block, isUnread) - bufferOffset;
  }

  /** The rest of a request, of which a block needs its digest read, or is wrong. */
  async #help(bio: Bio, from: number, isUnread: boolean): Promise<void> {
    const bytes = bio.count * SECTOR_SIZE;
    let status: Status = Status.Ok;
    try {
      for (let done = from; done < bytes;) {
        await this.#helpBlock(bio, done, isUnread);
        if (!isPending(bio)) return;
        done = this.#verifyFrom(bio, done + this.#blockSize, isUnread);
      }
    } catch {
      // Damage has told what it is about.
      status = Status.Io;
    }
    if (!isPending(bio)) return;
    bio.complete(this.#damage.isFatal ? Status.Io : status);
  }

  /** Rejects where the block is not to be had. Leaves a bio alone that core has ended meanwhile. */
  async #helpBlock(bio: Bio, done: number, isUnread: boolean): Promise<void> {
    const block = this.#blockOf(bio, done);
    const at = bio.bufferOffset + done;
    const wanted = await this.#tree.digestOf(block, null);
    if (!isPending(bio) || this.#check.isRight(bio.buffer, at, block, wanted, 0)) return;
    const mended = (await this.#repair?.dataBlock(block, wanted)) ?? null;
    if (!isPending(bio)) return;
    if (mended !== null) {
      bio.buffer.set(mended, at);
      return;
    }
    if (isUnread) this.#damage.unreadable();
    if (isUnread || !this.#damage.corrupted('data', block))
      throw fail('EIO', `block ${String(block)} of the data is not to be had`);
  }

  /** Reads of the tree that nobody waits for any more end here. */
  postsuspend(): Promise<void> {
    return this.#tree.idle();
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

/** Core may have ended a bio, for its device is gone: then it is nobody's any more. */
function isPending(bio: Bio): boolean {
  return bio.status === Status.Pending;
}
