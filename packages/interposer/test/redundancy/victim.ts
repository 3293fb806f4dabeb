import { statSync, writeSync } from 'node:fs';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { BioFlag, type Engine, type Port, Random, SECTOR_SIZE } from '@interposer/core';
import { stamped } from './expectation.ts';
import type { Job, Word } from './job.ts';
import { fileEngine } from './parts.ts';
import { arrived } from './progress.ts';

// The program that is killed: it does the job that it reads, and tells on standard output what it has done.
const STDOUT = 1;
/** The name of the device in front of the slow disk. */
const SLOW = 'slow';
/** The writes of a writer are one of these sizes in sectors, or twice that. */
const UNITS = [1, 1, 2, 4, 8, 16];
/** Milliseconds between a suspend and the next, and of a rest. */
const PULSE = 5;
const REST = 15;

/** Blocks until the line is where the other end can read it: what was told is known, whatever comes. */
function tell(word: Word, ...words: readonly (string | number)[]): void {
  let rest = Buffer.from(`${[word, ...words].join(' ')}\n`);
  while (rest.length > 0) rest = rest.subarray(writeSome(rest));
}

/** How many bytes the pipe took. */
function writeSome(bytes: Buffer): number {
  try {
    return writeSync(STDOUT, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

class Victim {
  readonly #job: Job;
  readonly #random: Random;
  readonly #engine: Engine;
  readonly #ports = new Map<string, Port>();
  readonly #busy = new Set<string>();
  #targets: readonly string[];
  #number: number;
  #left: number;
  #writing: Promise<void>[] = [];
  #writes = 0;
  #rest: Promise<void> | null = null;

  constructor(job: Job) {
    this.#job = job;
    this.#random = new Random(job.seed);
    this.#engine = fileEngine(job.haste);
    this.#targets = job.targets;
    this.#number = job.firstNumber;
    this.#left = job.turn?.after ?? Infinity;
  }

  async run(): Promise<void> {
    const { devices, laterDevices, turn, slow } = this.#job;
    if (slow !== undefined) {
      const sectors = statSync(slow.path).size / SECTOR_SIZE;
      const table = `0 ${String(sectors)} delay ${slow.path} 0 ${String(slow.delay)}`;
      await this.#engine.create(SLOW, { table });
    }
    for (const [name, table] of devices) await this.#make(name, table);
    this.#startWriters();
    for (const [name, table] of laterDevices) await this.#make(name, table);
    if (turn !== undefined) {
      await Promise.all(this.#writing);
      await this.#turn(turn);
    }
    await Promise.all([this.#pulse(), this.#watchMerge()]);
  }

  #startWriters(): void {
    this.#writing = Array.from({ length: this.#job.writers }, () => this.#write());
  }

  async #make(name: string, table: string): Promise<void> {
    tell('making', name);
    await this.#engine.create(name, { table: this.#withSlow(table) });
    this.#ports.set(name, await this.#engine.open(name, { claim: 'noexcl' }));
    tell('made', name);
  }

  #withSlow(table: string): string {
    const { slow } = this.#job;
    return slow === undefined ? table : table.replaceAll(slow.path, SLOW);
  }

  async #write(): Promise<void> {
    while (this.#left > 0) {
      const name = this.#random.pick(this.#targets);
      const port = this.#ports.get(name);
      await this.#rest;
      // It is not made yet.
      if (port === undefined) await sleep(1);
      else if (this.#random.chance(0.06)) await this.#flush(name, port);
      else await this.#writeOnce(name, port);
    }
  }

  async #flush(name: string, port: Port): Promise<void> {
    await port.flush();
    tell('flushed', name);
  }

  async #writeOnce(name: string, port: Port): Promise<void> {
    const { sectors } = this.#job;
    const unit = this.#random.pick(UNITS);
    const sector = this.#random.below(sectors / unit) * unit;
    const count = Math.min(unit * this.#random.between(1, 2), sectors - sector);
    const places = Array.from({ length: count }, (_, index) => `${name} ${String(sector + index)}`);
    // Two writes to one sector at a time may end in either order.
    if (places.some((place) => this.#busy.has(place))) return;
    for (const place of places) this.#busy.add(place);
    const number = this.#number++;
    if (++this.#writes % (this.#job.burst ?? Infinity) === 0) this.#rest = sleep(REST);
    tell('sent', name, sector, count, number);
    try {
      await port.write(sector, stamped(sector, count, number), this.#random.chance(0.1) ? BioFlag.Fua : 0);
      tell('done', name, sector, count, number);
    } catch {
      tell('failed', name, sector, count, number);
      await sleep(1);
    }
    this.#left--;
    for (const place of places) this.#busy.delete(place);
  }

  async #pulse(): Promise<void> {
    const { pulse } = this.#job;
    while (pulse !== undefined) {
      await sleep(PULSE);
      await this.#engine.suspend(pulse);
      await this.#engine.resume(pulse);
    }
  }

  async #turn({ device, table, suspended }: NonNullable<Job['turn']>): Promise<void> {
    tell('turning');
    await this.#engine.suspend(suspended);
    await this.#engine.load(device, this.#withSlow(table));
    await this.#engine.resume(device);
    tell('turned');
    this.#targets = [device];
    this.#left = Infinity;
    this.#startWriters();
  }

  async #watchMerge(): Promise<void> {
    const { merge } = this.#job;
    if (merge === undefined) return;
    await arrived(this.#engine, merge);
    tell('merged', merge);
  }
}

// Everything is loaded by now: the job may be long in coming.
const victim = new Victim(JSON.parse(await text(process.stdin)) as Job);
await victim.run();
