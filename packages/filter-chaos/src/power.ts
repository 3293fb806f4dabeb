import {
  asError,
  type Clock,
  type FilterContext,
  Random,
  SECTOR_SIZE,
  Status,
  type Timer,
} from '@interposer/core';
import type { CutReport, VolatileCache } from '@interposer/volatile-cache';
import type { Holding } from './holding.ts';

/** How the power fails: the settings of the action and of the message `power-cut`. */
export interface PowerCut {
  /** Milliseconds until it is back; until `power-on` by default. */
  readonly for?: number;
  /** Percent. */
  readonly keep?: number;
  readonly torn?: number;
}

const PERCENT = 100;
const DEFAULT_KEEP = 50;
const DEFAULT_TORN = 10;

/** The power of the disk that the filter stands for. */
export class Power {
  readonly #cache: VolatileCache;
  readonly #holding: Holding;
  readonly #clock: Clock;
  readonly #log: (message: string) => void;
  #timer: Timer | null = null;

  constructor({ clock, log }: FilterContext, cache: VolatileCache, holding: Holding) {
    this.#clock = clock;
    this.#log = log;
    this.#cache = cache;
    this.#holding = holding;
  }

  get isOn(): boolean {
    return this.#cache.power === 'on';
  }

  /**
   * It fails, now: what is held fails with EIO, and of what is in the cache the random numbers choose what survives. Rejects
   * with EALREADY if it is off, and with the code below where survivors could not be written.
   */
  async cut(cut: PowerCut, seed: number): Promise<CutReport> {
    const wasOn = this.isOn;
    const { keep = DEFAULT_KEEP, torn = DEFAULT_TORN } = cut;
    const cutting = this.#cache.cut({
      random: new Random(seed),
      keep: keep / PERCENT,
      torn: torn / PERCENT,
      unit: SECTOR_SIZE,
      order: 'any',
    });
    if (wasOn) {
      this.#holding.fail(undefined, Status.Io);
      if (cut.for !== undefined) this.#startTimer(cut.for, cutting);
    }
    return cutting;
  }

  /** As `cut`, for a rule: nobody waits for what comes of it, so an error is logged. */
  cutByRule(cut: PowerCut, seed: number): void {
    this.cut(cut, seed).catch((error: unknown) => {
      this.#log(`filter chaos: power cut: ${asError(error).message}`);
    });
  }

  /** It is back. EALREADY if it was not off, EBUSY while survivors are being written. */
  on(): void {
    this.#cache.on();
    this.close();
  }

  /** It does not come back by itself any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #startTimer(milliseconds: number, cutting: Promise<CutReport>): void {
    this.#timer = this.#clock.after(milliseconds, () => {
      this.#timer = null;
      if (this.#cache.power === 'off') this.#cache.on();
      else cutting.finally(() => this.#cache.power === 'off' && this.#cache.on()).catch(() => undefined);
    });
  }
}
