import { type FileHandle, open, rm } from 'node:fs/promises';
import { fail, fromSystemError, isInterposerError, SECTOR_SIZE } from '@interposer/core';
import type { Content, Run } from './content.ts';
import type { CrashState } from './crash-state.ts';

/** Bytes of one write to the file. */
const WRITE_SIZE = 2 ** 20;

/** Sectors of the longest run of zeroes between data that is written, for that takes less than a write more. */
const SHORT = 64;

/**
 * Writes a state as a raw disk image, in place of a file that was there before. What is zero is a hole, but for short runs, so
 * it takes as long as there is data. Rejects with the code of the system's error.
 */
export async function writeImage({ content, sectors }: CrashState, path: string): Promise<void> {
  try {
    // Not written over: ext4 takes a file that is emptied and filled for one that must not be lost, and writes it out at once.
    await rm(path, { force: true });
    const file = await open(path, 'wx');
    try {
      await file.truncate(sectors * SECTOR_SIZE);
      await new ImageWriter(file, path).writeAll(content, content.runs(0, sectors));
    } finally {
      await file.close();
    }
  } catch (error) {
    throw isInterposerError(error) ? error : fromSystemError(error, path);
  }
}

/** Gathers data for few large writes. */
class ImageWriter {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #buffer = Buffer.allocUnsafe(WRITE_SIZE);
  #filled = 0;
  /** Where in the file the buffer begins. */
  #position = 0;

  constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  async writeAll(content: Content, runs: readonly Run[]): Promise<void> {
    for (const run of runs) {
      // Nearly all is in memory, and waiting for nothing would take longer than the rest.
      const [bytes, at] = run.chunk === undefined ? [run.bytes, run.at] : await content.bytesOf(run);
      const skips = bytes === null && run.count > SHORT;
      if (skips || this.#filled === 0) {
        await this.#flush();
        this.#position = (skips ? run.sector + run.count : run.sector) * SECTOR_SIZE;
      }
      if (!skips) await this.#take(bytes, at, run.count * SECTOR_SIZE);
    }
    await this.#flush();
  }

  async #take(bytes: Uint8Array | null, from: number, length: number): Promise<void> {
    for (let done = 0; done < length;) {
      const size = Math.min(length - done, WRITE_SIZE - this.#filled);
      const end = this.#filled + size;
      if (bytes === null) this.#buffer.fill(0, this.#filled, end);
      else this.#buffer.set(bytes.subarray(from + done, from + done + size), this.#filled);
      this.#filled = end;
      done += size;
      if (end === WRITE_SIZE) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const size = this.#filled;
    if (size === 0) return;
    const { bytesWritten } = await this.#file.write(this.#buffer, 0, size, this.#position);
    // A short write to a file means that there was room for no more.
    if (bytesWritten < size) throw fail('ENOSPC', `${this.#path}: no room for all of the image`);
    this.#position += size;
    this.#filled = 0;
  }
}
