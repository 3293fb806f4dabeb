import {
  type Bio,
  BioFlag,
  BioOp,
  type Clock,
  dataExtent,
  type Driver,
  type Extent,
  fromSystemError,
  type Limits,
  MapResult,
  Status,
} from '@interposer/core';
import { DeletionWatch } from './deletion-watch.ts';
import { fileExtents } from './file-extents.ts';
import { Flusher } from './flusher.ts';
import { Holes } from './holes.ts';
import type { ImageLock } from './image-lock.ts';
import type { SystemCalls } from './syscalls.ts';
import { Transfers } from './transfers.ts';

/** An open file, locked and measured: all that the driver needs to serve it. The driver closes and unlocks it. */
export interface OpenFile {
  readonly path: string;
  readonly fd: number;
  readonly limits: Limits;
  readonly lock: ImageLock;
  readonly calls: SystemCalls;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly lost: (reason: string) => void;
  readonly isBlockDevice: boolean;
}

/** Answers the bios of one file. */
export class FileDriver implements Driver {
  readonly limits: Limits;
  readonly #file: OpenFile;
  readonly #transfers: Transfers;
  readonly #holes: Holes;
  readonly #flusher: Flusher;
  /** A block device has no name to lose: it tells by its errors that it is gone. */
  readonly #watch: DeletionWatch | null;

  constructor(file: OpenFile) {
    const { fd, calls, limits, path, clock, log, lost, isBlockDevice } = file;
    this.limits = limits;
    this.#file = file;
    this.#transfers = new Transfers(calls, fd, this.#done);
    this.#holes = new Holes(calls.ffi, fd, this.#transfers, this.#done);
    this.#flusher = new Flusher(calls, fd, (message) => log(`${path}: ${message}`));
    this.#watch = isBlockDevice ? null : new DeletionWatch(fd, clock, () => lost('the file was deleted'));
  }

  submit(bio: Bio): MapResult {
    const { op } = bio;
    if (op === BioOp.Read) this.#transfers.read(bio);
    else if (op === BioOp.Write) this.#transfers.write(bio);
    else if (op === BioOp.Flush) this.#flusher.add(bio);
    else if (op === BioOp.Discard) this.#holes.discard(bio);
    else this.#holes.writeZeroes(bio);
    return MapResult.Submitted;
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const { calls, fd } = this.#file;
    return calls.ffi === undefined ? [dataExtent(sector, count)] : fileExtents(calls.ffi, fd, sector, count);
  }

  async close(): Promise<void> {
    const { path, fd, calls, lock } = this.#file;
    this.#watch?.stop();
    try {
      await closeFile(calls, fd, path);
    } finally {
      await lock.release();
    }
  }

  /** The data is in the page cache; forced unit access goes on to the medium. */
  readonly #done = (bio: Bio, status: Status): void => {
    if (status === Status.NoDev) this.#file.lost('the device does not answer any more');
    if (status === Status.Ok && (bio.flags & BioFlag.Fua) !== 0) this.#flusher.add(bio);
    else bio.complete(status);
  };
}

/** Closes a file. EIO and the like: the operating system's last chance to tell that a write failed. */
export function closeFile(calls: SystemCalls, fd: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    calls.close(fd, (error) => {
      if (error) reject(fromSystemError(error, `closing "${path}"`));
      else resolve();
    });
  });
}
