import { type Bio, Status } from '@interposer/core';
import { statusOfError } from './errno.ts';
import type { SystemCalls } from './syscalls.ts';

/**
 * Makes data stable. Bios that come while a sync is under way share the next one: it begins after their writes were done,
 * and one sync serves them all.
 *
 * The kernel reports a failed write-back once and then forgets the pages, so that a second sync would succeed although the
 * data is lost. After a failure nothing is called stable any more until the file is opened anew.
 */
export class Flusher {
  readonly #calls: SystemCalls;
  readonly #fd: number;
  readonly #log: (message: string) => void;
  #waiting: Bio[] = [];
  #syncing: Bio[] = [];
  #running = false;
  #failed = false;

  constructor(calls: SystemCalls, fd: number, log: (message: string) => void) {
    this.#calls = calls;
    this.#fd = fd;
    this.#log = log;
  }

  /** Completes the bio when everything that was written before is stable. */
  add(bio: Bio): void {
    if (this.#failed) {
      bio.complete(Status.Io);
      return;
    }
    this.#waiting.push(bio);
    if (!this.#running) this.#sync();
  }

  #sync(): void {
    this.#running = true;
    [this.#waiting, this.#syncing] = [this.#syncing, this.#waiting];
    this.#calls.fdatasync(this.#fd, this.#onSynced);
  }

  readonly #onSynced = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) {
      this.#failed = true;
      this.#log(`flush failed, and every later one will until the device is opened anew: ${error.message}`);
    }
    complete(this.#syncing, error === null ? Status.Ok : statusOfError(error));
    this.#running = false;
    if (this.#failed) complete(this.#waiting, Status.Io);
    else if (this.#waiting.length > 0) this.#sync();
  };
}

/** Completes and forgets them. What a completion submits goes elsewhere: none joins this list meanwhile. */
function complete(bios: Bio[], status: Status): void {
  for (const bio of bios) bio.complete(status);
  bios.length = 0;
}
