import { randomInt } from 'node:crypto';
import {
  ALL_OPS,
  type Bio,
  defineFilter,
  type EndResult,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterContext,
  type FilterType,
  type Limits,
  type PreResult,
  Random,
  SEEDS,
} from '@interposer/core';
import { VolatileCache } from '@interposer/volatile-cache';
import {
  cutOptions,
  DEFAULTS,
  type Given,
  givenOfCut,
  givenSettings,
  SETTINGS,
  type Settings,
  settingsList,
  settingsText,
  withGiven,
} from './settings.ts';

const MESSAGES =
  'cut [seed=N] [keep=N] [torn=N] [unit=N] [order=any|prefix] [on], on, flush, set KEY=VALUE..., show';

class VolatileFilter implements Filter {
  readonly #cache: VolatileCache;
  readonly #event: () => void;
  #settings: Settings = DEFAULTS;
  /** Where the seeds of cuts come from that are given none; null: the system. */
  #seeds: Random | null = null;
  #cuts = 0;

  constructor(context: FilterContext, given: Given) {
    this.#event = context.event;
    this.#cache = new VolatileCache(context);
    this.#change(given);
  }

  pre(bio: Bio): PreResult {
    return this.#cache.pre(bio);
  }

  post(bio: Bio): EndResult {
    return this.#cache.post(bio);
  }

  limits(below: Limits): Limits {
    return this.#cache.limits(below);
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return this.#cache.extents(below, sector, count);
  }

  table(): string {
    return settingsText(this.#settings);
  }

  /** `power=on|cutting|off dirty=<records> bytes=<bytes of the cache in use> cuts=<power cuts>` */
  status(): string {
    const { power, records, bytes } = this.#cache;
    return `power=${power} dirty=${String(records)} bytes=${String(bytes)} cuts=${String(this.#cuts)}`;
  }

  /** `cut`, `on`, `flush`, `set` and `show`. */
  async message([verb = '', ...words]: readonly string[]): Promise<string> {
    if (verb === 'cut') return this.#cut(words);
    if (verb === 'set' && words.length > 0) {
      this.#change(givenSettings(words));
      return '';
    }
    if (words.length === 0) {
      if (verb === 'show') return settingsList(this.#settings);
      if (verb === 'on') return this.#on();
      if (verb === 'flush') {
        await this.#cache.flush();
        return '';
      }
    }
    const given = [verb, ...words].join(' ');
    throw fail('EINVAL', `filter volatile: unknown message "${given}"; messages: ${MESSAGES}`);
  }

  queryDetach(): string | undefined {
    return this.#cache.queryDetach();
  }

  predetach(): Promise<void> {
    return this.#cache.predetach();
  }

  resume(): void {
    this.#cache.resume();
  }

  detach(): void {
    this.#cache.detach();
  }

  /** Answers `seed=<n> kept=<records> torn=<records> lost=<records>`; `cut` with that seed does the same to the same writes. */
  async #cut(words: readonly string[]): Promise<string> {
    const back = words.indexOf('on');
    const given = givenOfCut(words.filter((_, index) => index !== back));
    const settings = withGiven(this.#settings, given);
    const seed = given.seed ?? this.#drawSeed();
    const options = { ...cutOptions(settings), random: new Random(seed) };
    const { kept, torn, lost } = await this.#cache.cut(options);
    this.#cuts++;
    if (back >= 0) this.#cache.on();
    this.#event();
    return `seed=${String(seed)} kept=${String(kept)} torn=${String(torn)} lost=${String(lost)}`;
  }

  #on(): string {
    this.#cache.on();
    this.#event();
    return '';
  }

  #change(given: Given): void {
    this.#settings = withGiven(this.#settings, given);
    this.#cache.capacity = this.#settings.size;
    if (given.seed !== undefined) this.#seeds = new Random(given.seed);
  }

  #drawSeed(): number {
    return this.#seeds?.below(SEEDS) ?? randomInt(SEEDS);
  }
}

/**
 * Models the volatile write cache of a disk: writes are acknowledged at once and reach the device below at a flush, and a
 * power cut, on demand, loses, keeps, tears or reorders what no flush covered.
 */
export const volatile: FilterType = defineFilter({
  name: 'volatile',
  version: [1, 0, 0],
  altitude: '30000',
  ops: ALL_OPS,
  params: [SETTINGS],
  attach: (context, { settings }) => new VolatileFilter(context, settings as Given),
});
