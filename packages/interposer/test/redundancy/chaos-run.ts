import { expect } from 'vitest';
import { ChaosClient } from './chaos-client.ts';
import { ChaosMirror, type Leg, SECTORS } from './chaos-mirror.ts';
import { Expectation } from './expectation.ts';

const REGION = 8;
/** Sectors that a client has for itself. */
const OWNED = 16;
/** Faults come in so many moments before legs are replaced. */
const MOMENTS = 15;

/** What a mirror is made of. */
export interface ChaosSetup {
  readonly seed: number;
  readonly log: 'core' | 'disk';
  readonly legs: number;
  /** Words of the table line, with a blank in front. */
  readonly features: '' | ' 1 handle_errors' | ' 2 handle_errors keep_log';
}

/** A mirror under load whose legs have faults, and are replaced. Errors are had by all legs but one. */
export class ChaosRun {
  readonly mirror: ChaosMirror;
  readonly #setup: ChaosSetup;
  readonly #model = Expectation.of(SECTORS, 1);
  readonly #clients: ChaosClient[] = [];
  #wrong: unknown = null;
  /** Since legs were replaced; then the first leg is the only one that has everything. */
  #isResyncing = false;
  /** Legs that were replaced, or came back. */
  replaced = 0;

  constructor(setup: ChaosSetup) {
    this.#setup = setup;
    this.mirror = new ChaosMirror(setup.seed);
  }

  /** Requests that failed. */
  get failures(): number {
    return this.#clients.reduce((sum, { failures }) => sum + failures, 0);
  }

  get requests(): number {
    return this.#clients.reduce((sum, { requests }) => sum + requests, 0);
  }

  async start(): Promise<void> {
    const { mirror } = this;
    const { legs: count, seed } = this.#setup;
    const legs: Leg[] = [];
    for (let leg = 0; leg < count; leg++) legs.push(await mirror.leg(1));
    await mirror.create(this.#log('nosync'), legs, this.#setup.features);
    for (let first = 0; first < SECTORS; first += OWNED) {
      const port = await mirror.engine.open('m', { claim: 'noexcl' });
      const onWrong = (error: unknown): void => void (this.#wrong ??= error);
      this.#clients.push(new ChaosClient(port, this.#model, { first, sectors: OWNED }, seed, onWrong));
    }
    for (const client of this.#clients) client.start();
  }

  /** Faults of all kinds; then the legs that failed are replaced, until all legs are the same. */
  async replace(): Promise<void> {
    const { mirror } = this;
    const { random } = mirror;
    const bad = this.#badLegs();
    for (let moment = 0; moment < MOMENTS; moment++) {
      const leg = random.pick(mirror.legs);
      if (random.chance(0.4)) await mirror.disturb(leg, bad.includes(leg));
      await this.#pass(random.between(1, 30));
    }
    while (!(await this.#isSame())) {
      const failed = await this.#failed();
      const [row] = await mirror.engine.progress('m');
      if (failed.length > 0 || row!.failure !== undefined) await this.#swap(failed);
      await this.#pass(20);
    }
    this.#isResyncing = false;
    await this.#compare();
  }

  async end(): Promise<void> {
    for (const client of this.#clients) await this.mirror.wait(client.pause());
    for (const { port } of this.#clients) port.close();
    await this.mirror.end();
  }

  /**
   * The legs that have errors. Where writes go on behind a failure, those to regions out of sync are on the default leg alone:
   * then it must not fail as well.
   */
  #badLegs(): readonly Leg[] {
    const { random, legs } = this.mirror;
    if (!this.#goesOn) {
      const good = random.pick(legs);
      return legs.filter((leg) => leg !== good);
    }
    return random.chance(0.5) ? legs.slice(1) : [random.pick(legs)];
  }

  get #goesOn(): boolean {
    return this.#setup.features !== ' 1 handle_errors';
  }

  #log(word: 'sync' | 'nosync' | null): string {
    // A log in memory has all copied when nothing is said.
    if (this.#setup.log === 'core') return word === 'nosync' ? 'core 2 8 nosync' : `core 1 ${String(REGION)}`;
    const words = ['chaos:log', REGION, ...(word === null ? [] : [word])];
    return ['disk', words.length, ...words].join(' ');
  }

  async #pass(milliseconds: number): Promise<void> {
    await this.mirror.pass(milliseconds);
    if (this.#wrong !== null) throw this.#wrong as Error;
  }

  /** No fault is left, nothing has failed, and all regions are the same on all legs. */
  async #isSame(): Promise<boolean> {
    const { engine } = this.mirror;
    const [row] = await engine.progress('m');
    return row!.done === row!.total && (await this.#failed()).length === 0;
  }

  /** The legs that had errors, whose letters say so, and no others. From here on there are no faults. */
  async #failed(): Promise<Leg[]> {
    const { mirror } = this;
    const failed: Leg[] = [];
    // What is on its way ends; a request that failed on one leg waits for the others.
    for (const leg of mirror.legs) await leg.calm();
    await this.#pass(500);
    const letters = await mirror.letters();
    for (const [index, leg] of mirror.legs.entries()) {
      const hasFailed = (await leg.failures()) > 0;
      if (letters[index] !== 'A') failed.push(leg);
      // When a resync is over what failed before counts no longer. Where errors are not handled, those of copies never do.
      if (letters[index] !== 'A' || !this.#isResyncing)
        expect(hasFailed, leg.spec).toBe(letters[index] !== 'A');
      else await leg.heal();
    }
    return failed;
  }

  /** Others take the places of legs, or they come back as they are: then a log on disk knows what they lack. */
  async #swap(failed: readonly Leg[]): Promise<void> {
    const { mirror } = this;
    const { random } = mirror;
    const comesBack = this.#setup.log === 'disk' && random.chance(0.5);
    for (const leg of failed) await leg.heal();
    const alive = mirror.legs.filter((leg) => !failed.includes(leg));
    // Where writes went on it is the default leg, which has all of them.
    const good = this.#goesOn || this.#isResyncing ? alive[0]! : random.pick(alive);
    this.#isResyncing = true;
    const legs = [good];
    for (const leg of mirror.legs) {
      if (leg === good) continue;
      legs.push(failed.includes(leg) && !comesBack ? await mirror.leg() : leg);
    }
    this.replaced += failed.length;
    if (random.chance(0.5)) await mirror.disturb(good, false);
    await mirror.swap(this.#log(comesBack ? null : 'sync'), legs, this.#setup.features);
    if (random.chance(0.3)) await mirror.disturb(legs.at(-1)!, true);
  }

  /** Between two requests of the load all legs hold the same. */
  async #compare(): Promise<void> {
    const { mirror } = this;
    for (const client of this.#clients) await mirror.wait(client.pause());
    const [first, ...others] = mirror.legs.map(({ disk }) => disk.data);
    this.#model.adopt(this.#model.check('the first leg', first!));
    for (const other of others) expect(Buffer.compare(first!, other)).toBe(0);
    for (const client of this.#clients) client.start();
  }
}
