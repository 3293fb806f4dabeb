import { type Engine, fail, type Random, SEEDS } from '@interposer/core';
import { checkInteger, checkKeys, checkNumber } from './check.ts';
import type { FaultLayer } from './fault-layer.ts';
import type { Pause } from './pause.ts';
import type { Stack } from './stack.ts';

/** What a power cut leaves of the writes in the cache of a disk. */
export interface Losses {
  /** The share of them that survives, 0 to 1; 0.5 by default. */
  readonly keep?: number;
  /** The share of the survivors of which only a part survives, 0 to 1; 0.1 by default. */
  readonly torn?: number;
  /** Bytes that are never torn, a power of two from 512 to 65,536; 512 by default. */
  readonly unit?: number;
  /** `prefix`: nothing survives that came after the first write that is lost. `any`, the default: a disk that reorders. */
  readonly order?: 'any' | 'prefix';
}

/** Names of the properties of `Losses`. */
export const LOSSES_KEYS: readonly string[] = ['keep', 'torn', 'unit', 'order'];

/** How the power fails. */
export interface PowerCutOptions extends Losses {
  /** The same seed does the same to the same writes; by default one that follows from that of the disk. */
  readonly seed?: number;
  /** The power does not come back by itself: see `powerOn`. */
  readonly stayOff?: boolean;
}

/** What became of the writes that no flush had made stable. */
export interface PowerCutReport {
  readonly seed: number;
  /** Survived whole. */
  readonly kept: number;
  /** Survived in part. */
  readonly torn: number;
  readonly lost: number;
}

const PERCENT = 100;

/** What takes part in it. */
export interface PowerLayers {
  readonly faults: FaultLayer;
  readonly pause: Pause;
}

/** The power of a disk. */
export class Power {
  readonly #engine: Engine;
  readonly #device: string;
  readonly #faults: FaultLayer;
  readonly #pause: Pause;
  readonly #random: Random;
  /** Whether there is a cache that can lose anything. */
  readonly #hasCache: boolean;
  #isCutting = false;

  constructor({ engine, port }: Stack, { faults, pause }: PowerLayers, random: Random, hasCache: boolean) {
    this.#engine = engine;
    this.#device = port.device.name;
    this.#faults = faults;
    this.#pause = pause;
    this.#random = random;
    this.#hasCache = hasCache;
  }

  /** EALREADY if it is off; EINVAL for options that cannot be, and then nothing has happened. */
  async cut(options: PowerCutOptions): Promise<PowerCutReport> {
    checkKeys('the options of powerCut', options, [...LOSSES_KEYS, 'seed', 'stayOff']);
    const words = lossWords(options);
    const seed =
      options.seed === undefined
        ? this.#random.below(SEEDS)
        : checkInteger('seed', options.seed, 0, SEEDS - 1);
    if (this.#faults.isOff) throw fail('EALREADY', 'the power of the disk is off');
    this.#faults.isOff = true;
    this.#isCutting = true;
    let staysOff = false;
    try {
      // A snapshot that is being taken, or restored, is of before.
      const report = await this.#pause.between(() => this.#empty(`seed=${String(seed)}`, ...words));
      await this.#faults.failHeld();
      staysOff = options.stayOff === true;
      const number = (name: string): number => Number(new RegExp(`\\b${name}=(\\d+)`).exec(report)?.[1] ?? 0);
      return { seed, kept: number('kept'), torn: number('torn'), lost: number('lost') };
    } finally {
      this.#isCutting = false;
      this.#faults.isOff = staysOff;
    }
  }

  /** EALREADY if it is on, EBUSY while a cut is under way. */
  on(): void {
    if (!this.#faults.isOff) throw fail('EALREADY', 'the power of the disk is on');
    if (this.#isCutting) throw fail('EBUSY', 'the power of the disk is just failing');
    this.#faults.isOff = false;
  }

  /** The cache loses what it has, in an instant: that the power stays off is seen above it. */
  async #empty(...words: readonly string[]): Promise<string> {
    return this.#hasCache
      ? this.#engine.messageFilter(this.#device, 'volatile', ['cut', 'on', ...words])
      : '';
  }
}

/** As the filter `volatile` takes them. EINVAL beyond the bounds. */
export function lossWords({ keep, torn, unit, order }: Losses): string[] {
  const percent = (name: string, share: number): string =>
    `${name}=${String(Math.round(checkNumber(name, share, 0, 1) * PERCENT))}`;
  return [
    ...(keep === undefined ? [] : [percent('keep', keep)]),
    ...(torn === undefined ? [] : [percent('torn', torn)]),
    ...(unit === undefined ? [] : [`unit=${String(unit)}`]),
    ...(order === undefined ? [] : [`order=${order}`]),
  ];
}
