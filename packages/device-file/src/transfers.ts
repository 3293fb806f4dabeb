import { type Bio, BioOp, SECTOR_SIZE, Status } from '@interposer/core';
import { BatchedWrites } from './batched-writes.ts';
import { Errno, statusOfError } from './errno.ts';
import type { Ffi } from './ffi.ts';
import type { SystemCalls, Transferred } from './syscalls.ts';

/**
 * Reads up to this size are tried inline. Above it the copy itself takes longer than the way through the pool costs, and
 * another core can do it.
 */
const INLINE_BYTES = 256 * 1024;

/** The most one system call is asked for; Node takes lengths below 2 GiB. */
const LARGEST_CALL = 2 ** 30;

const ZERO_BYTES = 2 ** 20;

/** Called when a bio's data is where it belongs, or could not be brought there. */
export type Done = (bio: Bio, status: Status) => void;

/**
 * Moves the data of bios from and to a file: reads inline where the page cache has it, small writes together, all else through
 * the thread pool.
 */
export class Transfers {
  readonly calls: SystemCalls;
  readonly fd: number;
  readonly #done: Done;
  readonly #free: Transfer[] = [];
  /** Null when there is no koffi, and when the file system said that it cannot read without waiting. */
  #inline: Ffi | null;
  readonly #batches: BatchedWrites | null;
  #zeroes: Uint8Array | null = null;

  constructor(calls: SystemCalls, fd: number, done: Done) {
    this.calls = calls;
    this.fd = fd;
    this.#done = done;
    this.#inline = calls.ffi ?? null;
    this.#batches = calls.ffi === undefined ? null : new BatchedWrites(calls.ffi, calls, fd, this.#written);
  }

  read(bio: Bio): void {
    const bytes = bio.count * SECTOR_SIZE;
    const moved =
      this.#inline !== null && bytes <= INLINE_BYTES ? this.#readNow(this.#inline, bio, bytes) : 0;
    if (moved === bytes) bio.complete(Status.Ok);
    else this.#get().start(bio, bio.buffer, moved);
  }

  write(bio: Bio): void {
    if (this.#batches?.add(bio) !== true) this.#written(bio, 0);
  }

  /** Writes zeroes over the bio's range. */
  writeZeroes(bio: Bio): void {
    this.#get().start(bio, (this.#zeroes ??= new Uint8Array(ZERO_BYTES)), 0);
  }

  /** A transfer's own: it is over and can be used again. */
  finished(transfer: Transfer, bio: Bio, status: Status): void {
    this.#free.push(transfer);
    this.#done(bio, status);
  }

  /** Bytes that the page cache had. An error is left to the pool, which meets it again and reports it. */
  #readNow(inline: Ffi, bio: Bio, bytes: number): number {
    const moved = inline.readNow(this.fd, bio.buffer, bio.bufferOffset, bytes, bio.sector * SECTOR_SIZE);
    if (moved === -Errno.NotSup) this.#inline = null;
    return Math.max(moved, 0);
  }

  /** So many bytes of a write are done; the pool does the others. */
  readonly #written = (bio: Bio, bytes: number): void => {
    if (bytes === bio.count * SECTOR_SIZE) this.#done(bio, Status.Ok);
    else this.#get().start(bio, bio.buffer, bytes);
  };

  #get(): Transfer {
    return this.#free.pop() ?? new Transfer(this);
  }
}

const NO_SOURCE = new Uint8Array(0);

/** One bio on its way through the thread pool. Used again and again, so that its callback is made once. */
class Transfer {
  readonly #owner: Transfers;
  #bio: Bio | null = null;
  /** The bio's own buffer, or zeroes that are written as often as it takes. */
  #buffer: Uint8Array = NO_SOURCE;
  #moved = 0;

  constructor(owner: Transfers) {
    this.#owner = owner;
  }

  start(bio: Bio, buffer: Uint8Array, moved: number): void {
    this.#bio = bio;
    this.#buffer = buffer;
    this.#moved = moved;
    this.#go(bio);
  }

  #go(bio: Bio): void {
    const { calls, fd } = this.#owner;
    const moved = this.#moved;
    const left = bio.count * SECTOR_SIZE - moved;
    const position = bio.sector * SECTOR_SIZE + moved;
    if (bio.op === BioOp.WriteZeroes) {
      calls.write(fd, this.#buffer, 0, Math.min(left, ZERO_BYTES), position, this.#onMoved);
    } else {
      const call = bio.op === BioOp.Read ? calls.read : calls.write;
      const length = Math.min(left, LARGEST_CALL);
      call(fd, this.#buffer, bio.bufferOffset + moved, length, position, this.#onMoved);
    }
  }

  readonly #onMoved: Transferred = (error, bytes) => {
    const bio = this.#bio!;
    if (error !== null) {
      this.#finish(bio, statusOfError(error));
    } else if (bytes === 0) {
      // The file was cut short behind our back.
      this.#finish(bio, Status.Io);
    } else {
      this.#moved += bytes;
      if (this.#moved < bio.count * SECTOR_SIZE) this.#go(bio);
      else this.#finish(bio, Status.Ok);
    }
  };

  #finish(bio: Bio, status: Status): void {
    this.#bio = null;
    this.#buffer = NO_SOURCE;
    this.#owner.finished(this, bio, status);
  }
}
