import { BioFlag, type Port, Random, SECTOR_SIZE } from '@interposer/core';
import type { ChaosDisk } from '@interposer/conformance';
import { numbersIn, sectorsOf, World } from './world.ts';

/** What a device may hold after the power failed: of each sector what was stable last, and what was written since. */
export class StableModel {
  readonly #history: number[][];
  /** Index of what is stable, by sector, and of what was acknowledged last. */
  readonly #stable: number[];
  readonly #acknowledged: number[];

  constructor(numbers: readonly number[]) {
    this.#history = numbers.map((number) => [number]);
    this.#stable = numbers.map(() => 0);
    this.#acknowledged = numbers.map(() => 0);
  }

  /** What it holds while the power is on, all requests ended. */
  get numbers(): number[] {
    return this.#history.map((history) => history.at(-1)!);
  }

  /** One write to a sector at a time. */
  async write(port: Port, sector: number, numbers: readonly number[], fua = false): Promise<void> {
    const indexes = numbers.map((number, offset) => this.#history[sector + offset]!.push(number) - 1);
    await port.write(sector, sectorsOf(numbers), fua ? BioFlag.Fua : 0);
    for (const [offset, index] of indexes.entries()) {
      this.#acknowledged[sector + offset] = index;
      if (fua) this.#stable[sector + offset] = index;
    }
  }

  async flush(port: Port): Promise<void> {
    const covered = [...this.#acknowledged];
    await port.flush();
    for (const [sector, index] of covered.entries())
      this.#stable[sector] = Math.max(this.#stable[sector]!, index);
  }

  /** Throws where it holds what it may not. */
  check(name: string, found: readonly number[]): void {
    for (const [sector, number] of found.entries()) {
      const allowed = this.#history[sector]!.slice(this.#stable[sector]);
      if (allowed.includes(number)) continue;
      throw new Error(
        `sector ${String(sector)} of ${name} holds ${String(number)} and may hold ${allowed.join(', ')}`,
      );
    }
  }
}

/** A world whose power can fail between any two requests to its disks. */
export class PowerWorld extends World {
  /** Requests that reached disks since `countFrom`. */
  requests = 0;
  readonly random: Random;
  readonly #disks = new Map<string, ChaosDisk>();
  readonly #boundary: number;
  #counts = false;

  /** The power fails before the request of that number. */
  constructor(boundary: number, seed: number) {
    super();
    this.#boundary = boundary;
    this.random = new Random(seed + boundary);
  }

  /** Whether requests get no answer any more. */
  get isDead(): boolean {
    return this.#counts && this.requests > this.#boundary;
  }

  /** A disk that holds some data for good. */
  async add(name: string, data: Uint8Array): Promise<void> {
    const sectors = data.length / SECTOR_SIZE;
    const disk = this.disk(name, { sectors, delay: 2, volatile: true, seed: this.random.below(1e6) });
    disk.hold(() => this.#counts && ++this.requests > this.#boundary);
    this.#disks.set(name, disk);
    const port = await this.engine.open(`chaos:${name}`);
    await this.wait(port.write(0, data, BioFlag.Fua));
    port.close();
  }

  /** Requests count from now on. */
  countFrom(): void {
    this.#counts = true;
  }

  /** The power fails, if it did not; what is on the disks afterwards, in a world that works. */
  async afterwards(): Promise<PowerWorld> {
    // Of what is under way some is done, and the rest is not.
    await this.pass(this.random.pick([0, 1, 2, 10]));
    const survival = this.random.pick([0, 0, 0.5, 1]);
    const next = new PowerWorld(Infinity, this.#boundary);
    for (const [name, disk] of this.#disks) {
      disk.cutPower(survival);
      await next.add(name, disk.data);
    }
    return next;
  }

  async readAll(name: string, sectors: number): Promise<number[]> {
    const port = await this.port(name);
    return numbersIn(await this.wait(port.read(0, sectors)));
  }
}
