import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '@interposer/conformance';
import { BioFlag, createEngine, type Engine, type Port, Random } from '@interposer/core';
import { mirror } from '@interposer/target-mirror';
import { snapshot, snapshotMerge, snapshotOrigin } from '@interposer/target-snapshot';
import { CrashTape, type Images } from './crash-tape.ts';
import { stamped, ZEROES } from './expectation.ts';
import type { Told, Word } from './job.ts';

/** Milliseconds that a request takes at most. */
const DELAY = 4;
const UNITS = [1, 1, 2, 4, 8];

/** Devices over disks that are recorded, on a clock that runs only while something is waited for. */
export class TapeWorld {
  readonly random: Random;
  readonly tape: CrashTape;
  readonly clock = new VirtualClock();
  readonly engine: Engine;
  /** The device whose writes may fail. */
  mayFail: string | null = null;
  /** The device that has discards, too. */
  discarded: string | null = null;
  readonly #sectors: number;
  readonly #ports = new Map<string, Port>();
  readonly #busy = new Set<string>();
  /** Writes that are done, and may be lost. */
  #unstable: Told[] = [];
  #number: number;

  /** Each write is told with a number, from a first one on. Delay 0: disks that answer at once. */
  constructor(images: Images, sectors: number, seed: number, firstNumber = 2, delay: number = DELAY) {
    this.random = new Random(seed);
    this.tape = new CrashTape(images, delay, seed);
    this.#sectors = sectors;
    this.#number = firstNumber;
    this.engine = createEngine({
      types: [mirror, snapshot, snapshotMerge, snapshotOrigin, this.tape.driver],
      clock: this.clock,
    });
  }

  tell(word: Word, device = '', sector = 0, count = 0, number = 0): Told {
    const told = { word, device, sector, count, number };
    this.tape.tell(told);
    return told;
  }

  async make(name: string, table: string): Promise<void> {
    this.tell('making', name);
    await this.engine.create(name, { table });
    this.#ports.set(name, await this.engine.open(name, { claim: 'noexcl' }));
    this.tell('made', name);
  }

  /** Lets time pass until a promise is settled. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false };
    const settle = (): void => void (state.settled = true);
    promise.then(settle, settle);
    while (!isTrue(() => state.settled)) await this.pass(1);
    return promise;
  }

  async pass(milliseconds: number): Promise<void> {
    for (let i = 0; i < milliseconds; i++) {
      await setImmediate();
      this.clock.advance(1);
    }
  }

  /** So many writes, discards and flushes to some devices, by four writers. Writes that may fail, and do, count as under way. */
  async load(names: readonly string[], requests: number): Promise<void> {
    let left = requests;
    const writer = async (): Promise<void> => {
      while (left-- > 0) {
        const name = this.random.pick(names);
        if (!this.#ports.has(name)) await setImmediate();
        else if (this.random.chance(0.15)) await this.flush(name);
        else if (name === this.discarded && this.random.chance(0.3)) await this.#discard(name);
        else {
          await this.#write(name).catch((error: unknown) => {
            if (name !== this.mayFail) throw error;
          });
        }
      }
    };
    await Promise.all([writer(), writer(), writer(), writer()]);
  }

  async flush(name: string): Promise<void> {
    const covered = this.#unstable.filter(({ device }) => device === name);
    await this.#ports.get(name)!.flush();
    for (const told of covered) this.tape.tell(told);
    this.#unstable = this.#unstable.filter((told) => !covered.includes(told));
  }

  async #write(name: string): Promise<void> {
    await this.#somewhere(name, async (port, sector, count) => {
      const number = this.#number++;
      const fua = this.random.chance(0.15);
      this.tell('sent', name, sector, count, number);
      await port.write(sector, stamped(sector, count, number), fua ? BioFlag.Fua : 0);
      const done: Told = { word: 'done', device: name, sector, count, number };
      if (fua) this.tape.tell(done);
      else this.#unstable.push(done);
    });
  }

  /** It never counts as done: what was there may stay. */
  async #discard(name: string): Promise<void> {
    await this.#somewhere(name, async (port, sector, count) => {
      this.tell('sent', name, sector, count, ZEROES);
      await port.discard(sector, count);
    });
  }

  /** Does something with sectors that nobody else does anything with at that time. */
  async #somewhere(
    name: string,
    action: (port: Port, sector: number, count: number) => Promise<void>,
  ): Promise<void> {
    const { random } = this;
    const unit = random.pick(UNITS);
    const sector = random.below(this.#sectors / unit) * unit;
    const count = Math.min(unit * random.between(1, 2), this.#sectors - sector);
    const places = Array.from({ length: count }, (_, index) => `${name} ${String(sector + index)}`);
    if (places.some((place) => this.#busy.has(place))) return;
    for (const place of places) this.#busy.add(place);
    try {
      await action(this.#ports.get(name)!, sector, count);
    } finally {
      for (const place of places) this.#busy.delete(place);
    }
  }

  async end(): Promise<void> {
    for (const port of this.#ports.values()) port.close();
    await this.wait(this.engine.close());
  }
}

/** Read through a function: the flag changes while somebody waits. */
function isTrue(flag: () => boolean): boolean {
  return flag();
}
