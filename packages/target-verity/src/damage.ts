import type { CorruptionMode, ErrorMode } from './options.ts';

/** So many corrupted blocks are told one by one. Kernel: DM_VERITY_MAX_CORRUPTED_ERRS. */
const MOST_TOLD = 100;

/** What a program is asked for where the kernel would restart the machine, or stop it. */
export type Emergency = 'restart' | 'panic';

/** Who hears of damage. */
export interface DamageListeners {
  /** The device number of the data, for messages. */
  readonly device: () => string;
  readonly log: (message: string) => void;
  readonly event: () => void;
  readonly emergency: (action: Emergency, reason: string) => void;
}

/** What was found to be wrong, and what comes of it. Kernel: verity_handle_err. */
export class Damage {
  /** Something was corrupted once: the status is C until another table. */
  seen = false;
  /** The kernel would have gone down: nothing is answered any more. */
  isFatal = false;
  readonly #onCorruption: CorruptionMode;
  readonly #onError: ErrorMode;
  readonly #listeners: DamageListeners;
  #told = 0;

  constructor(onCorruption: CorruptionMode, onError: ErrorMode, listeners: DamageListeners) {
    this.#onCorruption = onCorruption;
    this.#onError = onError;
    this.#listeners = listeners;
  }

  /** A block has another digest than it should have, and parity did not help. Answers whether it is used all the same. */
  corrupted(kind: 'data' | 'metadata', block: number): boolean {
    this.seen = true;
    if (this.#told < MOST_TOLD) {
      const { device, log, event } = this.#listeners;
      log(`${device()}: ${kind} block ${String(block)} is corrupted`);
      if (++this.#told === MOST_TOLD) log(`${device()}: reached maximum errors`);
      event();
    }
    if (this.#onCorruption === 'ignore_corruption') return true;
    if (this.#onCorruption !== 'eio') this.#end(this.#onCorruption, 'dm-verity device corrupted');
    return false;
  }

  /** A block cannot be read, and parity did not help. */
  unreadable(): void {
    if (this.#onError !== 'eio') this.#end(this.#onError, 'dm-verity device has I/O error');
  }

  #end(mode: CorruptionMode | ErrorMode, reason: string): void {
    if (this.isFatal) return;
    this.isFatal = true;
    const { device, log, event, emergency } = this.#listeners;
    log(`${device()}: ${reason}: every read fails from now on`);
    event();
    emergency(mode.startsWith('restart') ? 'restart' : 'panic', reason);
  }
}
