import { setImmediate } from 'node:timers/promises';
import { chaosDriver, type ChaosDisk, type ChaosOptions, VirtualClock } from '@interposer/conformance';
import { ram } from '@interposer/device-ram';
import { createEngine, type Engine, type Port, SECTOR_SIZE } from '@interposer/core';
import { snapshot, snapshotMerge, snapshotOrigin } from '../src/index.ts';

/** Steps of a millisecond that are enough for the disks. */
const PATIENT_TURNS = 500;

/** A request on its way. */
export interface Running<T> {
  readonly ended: () => boolean;
  /** Lets time pass until it has ended. */
  readonly end: () => Promise<T>;
}

/** Until whatever can be done without an answer from a disk is done. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 40; i++) await setImmediate();
}

/** An engine over chaos disks, on a clock that runs only while something is waited for. */
export class World {
  readonly clock = new VirtualClock();
  readonly driver = chaosDriver();
  readonly engine: Engine;
  readonly log: string[] = [];
  readonly #ports = new Map<string, Port>();

  constructor() {
    this.engine = createEngine({
      types: [snapshot, snapshotMerge, snapshotOrigin, ram, this.driver],
      clock: this.clock,
    });
    this.engine.onEvent((event) => {
      this.log.push(event.kind === 'log' ? event.message : `${event.kind}: ${event.message}`);
    });
  }

  disk(name: string, options: ChaosOptions): ChaosDisk {
    return this.driver.add(name, options);
  }

  /** Lets time pass until a promise is settled. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const watched = watch(promise);
    const isOver = (): boolean => watched.over;
    for (let turns = 0; !isOver(); turns++) {
      if (turns > 100_000) throw new Error('nothing goes on any more');
      await setImmediate();
      // What takes long takes longer steps.
      if (!isOver()) this.clock.advance(turns < PATIENT_TURNS ? 1 : 100);
    }
    return promise;
  }

  /** Lets some milliseconds pass. */
  async pass(milliseconds: number): Promise<void> {
    for (let i = 0; i < milliseconds; i++) {
      await setImmediate();
      this.clock.advance(1);
    }
  }

  create(name: string, table: string): Promise<unknown> {
    return this.wait(this.engine.create(name, { table }));
  }

  /** Puts another table under a device in use. */
  async reload(name: string, table: string): Promise<void> {
    await this.wait(this.engine.load(name, table));
    await this.wait(this.engine.resume(name));
  }

  async remove(name: string): Promise<void> {
    this.#ports.get(name)?.close();
    this.#ports.delete(name);
    await this.wait(this.engine.remove(name));
  }

  async port(name: string): Promise<Port> {
    const known = this.#ports.get(name);
    if (known !== undefined) return known;
    const port = await this.engine.open(name, { claim: 'noexcl' });
    this.#ports.set(name, port);
    return port;
  }

  /** A read that is under way. */
  async startRead(name: string, sector: number, count: number): Promise<Running<number[]>> {
    const port = await this.port(name);
    return this.#running(port.read(sector, count).then(numbersIn));
  }

  async readNumbers(name: string, sector: number, count: number): Promise<number[]> {
    return (await this.startRead(name, sector, count)).end();
  }

  /** A write that is under way, of sectors filled with a number each. */
  async startWrite(name: string, sector: number, ...numbers: number[]): Promise<Running<void>> {
    const port = await this.port(name);
    return this.#running(port.write(sector, sectorsOf(numbers)));
  }

  async writeNumbers(name: string, sector: number, ...numbers: number[]): Promise<void> {
    await (await this.startWrite(name, sector, ...numbers)).end();
  }

  async status(name: string): Promise<string> {
    const [row] = await this.engine.status(name);
    return row!.params;
  }

  /** Waits until nothing is left to merge. */
  async merged(name: string): Promise<void> {
    for (let turns = 0; ; turns++) {
      const [used = '', metadata = ''] = (await this.status(name)).split(/\/\d+ /);
      if (used === metadata) return;
      if (turns > 10_000 || metadata === '') throw new Error(`merge of ${name}: ${await this.status(name)}`);
      await this.pass(1);
    }
  }

  #running<T>(promise: Promise<T>): Running<T> {
    const watched = watch(promise);
    return { ended: () => watched.over, end: () => this.wait(promise) };
  }

  async close(): Promise<void> {
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    await this.wait(this.engine.close());
  }
}

/** Tells whether a promise is settled; who else asks it gets its failure. */
export function watch(promise: Promise<unknown>): { readonly over: boolean } {
  const watched = { over: false };
  const end = (): void => {
    watched.over = true;
  };
  promise.then(end, end);
  return watched;
}

/** Sectors filled with a number each. */
export function sectorsOf(numbers: readonly number[]): Buffer {
  const data = Buffer.alloc(numbers.length * SECTOR_SIZE);
  for (const [index, number] of numbers.entries()) {
    for (let at = 0; at < SECTOR_SIZE; at += 4) data.writeUInt32LE(number, index * SECTOR_SIZE + at);
  }
  return data;
}

/** The numbers that sectors are filled with; -1 for one that is filled with several. */
export function numbersIn(data: Uint8Array): number[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: data.length / SECTOR_SIZE }, (_, index) => {
    const sector = bytes.subarray(index * SECTOR_SIZE, (index + 1) * SECTOR_SIZE);
    const number = sector.readUInt32LE(0);
    for (let at = 4; at < SECTOR_SIZE; at += 4) if (sector.readUInt32LE(at) !== number) return -1;
    return number;
  });
}
