import { setImmediate } from 'node:timers/promises';
import { type Port, Random } from '@interposer/core';
import { type Expectation, stamped } from './expectation.ts';

/** Writes and reads sectors of its own, and checks what it reads. */
export class ChaosClient {
  readonly port: Port;
  readonly #model: Expectation;
  readonly #first: number;
  readonly #sectors: number;
  readonly #random: Random;
  readonly #onWrong: (error: unknown) => void;
  #number: number;
  #pausing = false;
  #running: Promise<void> = Promise.resolve();
  /** Requests that failed. */
  failures = 0;
  requests = 0;

  constructor(
    port: Port,
    model: Expectation,
    own: { readonly first: number; readonly sectors: number },
    seed: number,
    onWrong: (error: unknown) => void,
  ) {
    this.port = port;
    this.#model = model;
    this.#first = own.first;
    this.#sectors = own.sectors;
    this.#random = new Random(seed + own.first);
    this.#onWrong = onWrong;
    this.#number = 1000 * (own.first + 1);
  }

  start(): void {
    this.#pausing = false;
    this.#running = this.#run();
  }

  /** Ends when its last request has. */
  pause(): Promise<void> {
    this.#pausing = true;
    return this.#running;
  }

  async #run(): Promise<void> {
    for (; !this.#pausing; this.requests++) {
      await setImmediate();
      await this.#step();
    }
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const sector = this.#first + random.below(this.#sectors);
    const count = random.between(1, Math.min(4, this.#first + this.#sectors - sector));
    if (random.chance(0.1)) await this.#tolerate(this.port.flush());
    else if (random.chance(0.5)) await this.#read(sector, count);
    else await this.#write(sector, count, this.#number++);
  }

  async #read(sector: number, count: number): Promise<void> {
    const data = await this.#tolerate(this.port.read(sector, count));
    if (data === undefined) return;
    try {
      // Whatever it is after a write that failed, it stays.
      this.#model.adopt(this.#model.check('the mirror', data, sector), sector);
    } catch (error) {
      this.#onWrong(error);
    }
  }

  async #write(sector: number, count: number, number: number): Promise<void> {
    this.#model.sent(sector, count, number);
    const done = this.port.write(sector, stamped(sector, count, number)).then(() => true);
    if ((await this.#tolerate(done)) === true) this.#model.settled(sector, count, number);
  }

  async #tolerate<T>(request: Promise<T>): Promise<T | undefined> {
    try {
      return await request;
    } catch {
      this.failures++;
      return undefined;
    }
  }
}
