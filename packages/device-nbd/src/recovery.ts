import { asError, type Clock, type Timer } from '@interposer/core';
import type { Connection } from './connection.ts';

/**
 * Milliseconds to the first attempt; each further one waits twice as long, up to the longest. The first waits too: a server
 * goes on with what it had received before the break, and that must not overwrite what comes over the new connection.
 */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 2_000;

/** Milliseconds after which a connection that was not used counts as good. */
const GOOD_AFTER = 5_000;

/** What a recovery is made of. */
export interface RecoveryOptions {
  readonly clock: Clock;
  /** Milliseconds without a good connection, all in all, until it is given up. */
  readonly limit: number;
  /** Opens connections to the same export; given up after the timeout, or when nobody waits for them any more. */
  readonly open: (timeout: number, signal: AbortSignal) => Promise<Connection[]>;
  /** Why the export that is there now is another one; undefined: it is the same. */
  readonly difference: (connections: readonly Connection[]) => string | undefined;
  readonly restored: (connections: readonly Connection[]) => void;
  readonly failed: (reason: string) => void;
}

/**
 * Gets a connection back. Time counts while there is none, until one proves good: by an answer, or by its age. So a server
 * that breaks at each request is given up too.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  #running = false;
  #attempt = new AbortController();
  #delay: number = FIRST_DELAY;
  /** Milliseconds without a good connection before the break that is being mended. */
  #spent = 0;
  #brokenAt = 0;
  #restoredAt = -Infinity;
  #proved = true;
  #reason = '';
  #retry: Timer | null = null;
  #deadline: Timer | null = null;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** The connection answered a request. */
  prove(): void {
    this.#proved = true;
  }

  /** The connection broke. */
  start(reason: string): void {
    const { clock, limit } = this.#options;
    const now = clock.now();
    if (this.#proved || now - this.#restoredAt >= Math.min(GOOD_AFTER, limit)) {
      this.#spent = 0;
      this.#delay = FIRST_DELAY;
    }
    this.#proved = false;
    this.#running = true;
    this.#reason = reason;
    this.#brokenAt = now;
    this.#deadline = clock.after(limit - this.#spent, this.#giveUp);
    this.#tryLater();
  }

  /** Nobody waits for a connection any more. */
  cancel(): void {
    this.#running = false;
    this.#attempt.abort();
    this.#retry?.cancel();
    this.#deadline?.cancel();
  }

  #tryLater(): void {
    const delay = this.#delay;
    this.#delay = Math.min(LONGEST_DELAY, 2 * delay);
    this.#retry = this.#options.clock.after(delay, () => void this.#try());
  }

  async #try(): Promise<void> {
    const { clock, limit, open, difference } = this.#options;
    const { signal } = (this.#attempt = new AbortController());
    const left = Math.max(1, limit - this.#spent - (clock.now() - this.#brokenAt));
    try {
      const connections = await open(left, signal);
      if (!signal.aborted) this.#found(connections, difference(connections));
      else for (const connection of connections) connection.abandon();
    } catch (error) {
      if (signal.aborted) return;
      this.#reason = asError(error).message;
      this.#tryLater();
    }
  }

  #found(connections: readonly Connection[], difference: string | undefined): void {
    const { clock, restored, failed } = this.#options;
    this.cancel();
    const now = clock.now();
    this.#spent += now - this.#brokenAt;
    this.#restoredAt = now;
    if (difference === undefined) {
      restored(connections);
      return;
    }
    for (const connection of connections) connection.abandon();
    failed(`the export is not what it was: ${difference}`);
  }

  readonly #giveUp = (): void => {
    if (!this.#running) return;
    this.cancel();
    this.#options.failed(
      `${this.#reason}; it did not come back within ${this.#options.limit / 1000} seconds`,
    );
  };
}
