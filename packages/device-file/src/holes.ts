import { type Bio, BioFlag, SECTOR_SIZE, Status } from '@interposer/core';
import { Errno, statusOfErrno } from './errno.ts';
import type { Ffi } from './ffi.ts';
import type { Done, Transfers } from './transfers.ts';

// Kernel: falloc.h.
const KEEP_SIZE = 0x01;
const PUNCH_HOLE = 0x02 | KEEP_SIZE;
const ZERO_RANGE = 0x10 | KEEP_SIZE;

/**
 * Discards and zeroes ranges: by `fallocate` where there is koffi and the file system can, else by writing zeroes. A way
 * that the file system refused once is not tried again.
 */
export class Holes {
  readonly #ffi: Ffi | undefined;
  readonly #fd: number;
  readonly #transfers: Transfers;
  readonly #done: Done;
  readonly #refused = new Set<number>();

  constructor(ffi: Ffi | undefined, fd: number, transfers: Transfers, done: Done) {
    this.#ffi = ffi;
    this.#fd = fd;
    this.#transfers = transfers;
    this.#done = done;
  }

  discard(bio: Bio): void {
    this.#fallocate(bio, PUNCH_HOLE, () => this.#done(bio, Status.NotSup));
  }

  /** A hole is the cheapest zero; who wants the range to stay allocated gets extents that are marked as unwritten. */
  writeZeroes(bio: Bio): void {
    const write = (): void => this.#transfers.writeZeroes(bio);
    const zeroRange = (): void => this.#fallocate(bio, ZERO_RANGE, write);
    if ((bio.flags & BioFlag.NoUnmap) !== 0) zeroRange();
    else this.#fallocate(bio, PUNCH_HOLE, zeroRange);
  }

  #fallocate(bio: Bio, mode: number, otherwise: () => void): void {
    if (this.#ffi === undefined || this.#refused.has(mode)) {
      otherwise();
      return;
    }
    const { sector, count } = bio;
    this.#ffi.fallocate(this.#fd, mode, sector * SECTOR_SIZE, count * SECTOR_SIZE, (result) => {
      if (result === 0) {
        this.#done(bio, Status.Ok);
      } else if (result === -Errno.NotSup) {
        this.#refused.add(mode);
        otherwise();
      } else {
        this.#done(bio, statusOfErrno(result));
      }
    });
  }
}

/** Whether a file can have holes made in it; tried behind its end, where there is nothing to lose. */
export async function canPunch(ffi: Ffi, fd: number, size: number): Promise<boolean> {
  return canBehind(ffi, fd, size, PUNCH_HOLE);
}

/** Whether a range of a file that can have holes can be zeroed and stay allocated; tried behind its end, too. */
export async function canZeroRange(ffi: Ffi, fd: number, size: number): Promise<boolean> {
  const can = await canBehind(ffi, fd, size, ZERO_RANGE);
  // What that allocated.
  if (can) await canBehind(ffi, fd, size, PUNCH_HOLE);
  return can;
}

function canBehind(ffi: Ffi, fd: number, size: number, mode: number): Promise<boolean> {
  const block = 4096;
  const behind = Math.ceil(size / block) * block;
  return new Promise((resolve) => {
    ffi.fallocate(fd, mode, behind, block, (result) => resolve(result === 0));
  });
}
