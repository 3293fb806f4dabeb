import { type Bio, SECTOR_SIZE } from '@interposer/core';
import type { Ffi } from './ffi.ts';
import type { SystemCalls, Transferred } from './syscalls.ts';
import { BATCH, type WriteBatch } from './write-batch.ts';

/**
 * Larger ones by themselves: copying them takes longer than the way through the pool costs, and another core can do it.
 */
const LARGEST = 64 * 1024;

/** In sectors. What does not begin and end with a page has to be read first, and that may take a disk's time: not before others. */
const PAGE = 8;

/** Called with the bytes of the bio that are written; the pool does the rest, and meets any error again. */
export type Written = (bio: Bio, bytes: number) => void;

/**
 * Gathers the writes of a burst and has them made together. One batch of a file is under way at a time: the file systems let
 * one writer at a time into a file anyway, and what comes meanwhile makes the next batch the larger.
 */
export class BatchedWrites {
  readonly #ffi: Ffi;
  readonly #write: SystemCalls['write'];
  readonly #fd: number;
  readonly #written: Written;
  #gathered: Bio[] = [];
  #running: Bio[] = [];
  #batch: WriteBatch | undefined;
  /** Something is under way, or about to be. */
  #isBusy = false;

  constructor(ffi: Ffi, { write }: SystemCalls, fd: number, written: Written) {
    this.#ffi = ffi;
    this.#write = write;
    this.#fd = fd;
    this.#written = written;
  }

  /** False: it is none for a batch, or there is no room. */
  add(bio: Bio): boolean {
    const { sector, count } = bio;
    if (count * SECTOR_SIZE > LARGEST || sector % PAGE !== 0 || count % PAGE !== 0) return false;
    if (this.#gathered.length === BATCH) return false;
    this.#gathered.push(bio);
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#isBusy || this.#gathered.length === 0) return;
    this.#isBusy = true;
    queueMicrotask(this.#start);
  }

  readonly #start = (): void => {
    [this.#gathered, this.#running] = [this.#running, this.#gathered];
    const bios = this.#running;
    // One alone is through the pool sooner.
    this.#batch = bios.length === 1 ? undefined : this.#ffi.takeBatch();
    if (bios.length === 1) this.#startAlone(bios[0]!);
    else if (this.#batch === undefined) this.#end(() => 0);
    else this.#startAll(this.#batch);
  };

  #startAlone({ buffer, bufferOffset, sector, count }: Bio): void {
    const bytes = count * SECTOR_SIZE;
    this.#write(this.#fd, buffer, bufferOffset, bytes, sector * SECTOR_SIZE, this.#onAlone);
  }

  readonly #onAlone: Transferred = (error, bytes) => {
    this.#end(() => (error === null ? bytes : 0));
  };

  #startAll(batch: WriteBatch): void {
    for (const { buffer, bufferOffset, sector, count } of this.#running) {
      batch.add(this.#fd, buffer, bufferOffset, count * SECTOR_SIZE, sector * SECTOR_SIZE);
    }
    batch.run(this.#onAll);
  }

  readonly #onAll = (): void => {
    const batch = this.#batch!;
    this.#end((index) => Math.max(0, batch.result(index)));
    this.#ffi.giveBack(batch);
  };

  /** What comes meanwhile, because of those that end, is of the next batch. */
  #end(bytesOf: (index: number) => number): void {
    const bios = this.#running;
    for (let index = 0; index < bios.length; index++) this.#written(bios[index]!, bytesOf(index));
    bios.length = 0;
    this.#isBusy = false;
    this.#schedule();
  }
}
