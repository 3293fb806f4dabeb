import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, SECTOR_SIZE } from '@interposer/core';
import { Expectation, stamped } from './expectation.ts';
import { checkLegs, checkSame } from './mirror-check.ts';
import type { Instant, Killer } from './kills.ts';
import { nextNumber, type Told } from './job.ts';
import { fileEngine } from './parts.ts';
import { arrived } from './progress.ts';

const SECTORS = 1024;
const LOG_SECTORS = 16;
/** Regions become clean some milliseconds after their last write. */
const HASTE = 500;
/** Milliseconds of that time that requests of a slow disk take. */
const SLOW = 500;
/** Numbers of what the other legs hold at first: nobody may ever see it. */
const FOREIGN = 2 ** 31;

/** A mirror with its log on disk, through one kill after another. */
export class MirrorHistory {
  readonly #folder: string;
  readonly #random: Random;
  readonly #killer: Killer;
  readonly #model = Expectation.of(SECTORS, 1);
  readonly #legs: readonly { readonly path: string; readonly offset: number }[];
  readonly #region: number;
  #number = 2;
  #rounds: number;

  constructor(folder: string, random: Random, killer: Killer) {
    this.#folder = folder;
    this.#random = random;
    this.#killer = killer;
    this.#region = random.pick([8, 32, 128]);
    this.#rounds = random.between(3, 12);
    this.#legs = ['a', 'b', 'c'].slice(0, random.between(2, 3)).map((name) => ({
      path: join(folder, `${name}.img`),
      offset: random.pick([0, 8]),
    }));
    for (const [index, { path, offset }] of this.#legs.entries()) {
      const data = stamped(0, SECTORS, index === 0 ? 1 : FOREIGN + index);
      writeFileSync(path, Buffer.concat([Buffer.alloc(offset * SECTOR_SIZE), data]));
    }
    writeFileSync(this.#log, Buffer.alloc(LOG_SECTORS * SECTOR_SIZE));
  }

  get isOver(): boolean {
    return this.#rounds === 0;
  }

  async round(): Promise<void> {
    this.#rounds--;
    const random = this.#random;
    const disks = [this.#log, ...this.#legs.map(({ path }) => path)];
    const told = await this.#killer.run(
      {
        seed: random.below(2 ** 31),
        firstNumber: this.#number,
        haste: HASTE,
        sectors: SECTORS,
        devices: [['m', this.#table(random.chance(0.1) ? 'sync' : null)]],
        laterDevices: [],
        targets: ['m'],
        writers: random.pick([1, 4, 16]),
        // Regions become clean in the rests.
        burst: random.pick([4, 16, 1000]),
        ...(random.chance(0.3) ? { pulse: 'm' } : {}),
        ...(random.chance(0.7) ? { slow: { path: random.pick(disks), delay: SLOW } } : {}),
      },
      this.#instant(),
    );
    this.#replay(told);
    this.#checkLegs();
    if (random.chance(0.5)) await this.#reopen();
  }

  get #log(): string {
    return join(this.#folder, 'log.img');
  }

  #table(word: 'sync' | null): string {
    const log = ['disk', word === null ? 2 : 3, this.#log, this.#region, ...(word === null ? [] : [word])];
    const legs = this.#legs.flatMap(({ path, offset }) => [path, offset]);
    const features = this.#random.chance(0.5) ? [1, 'handle_errors'] : [];
    return [0, SECTORS, 'mirror', ...log, this.#legs.length, ...legs, ...features].join(' ');
  }

  #instant(): Instant {
    const random = this.#random;
    if (random.chance(0.2)) return { word: 'making', times: 1, delay: random.below(15) };
    return {
      word: random.pick(['sent', 'done']),
      times: random.between(1, 100),
      delay: random.pick([0, 0, 0, 1, 3, 8]),
    };
  }

  #replay(told: readonly Told[]): void {
    for (const { word, sector, count, number } of told) {
      if (word === 'failed') throw new Error('a write failed');
      if (word === 'sent') this.#model.sent(sector, count, number);
      if (word === 'done') this.#model.settled(sector, count, number);
    }
    this.#number = nextNumber(told, this.#number);
  }

  #checkLegs(): void {
    const legs = this.#legs.map((_, index) => this.#read(index));
    this.#model.adopt(checkLegs(legs, readFileSync(this.#log), this.#region, this.#model));
  }

  /** What is read at once is right, and in the end all legs are the same. */
  async #reopen(): Promise<void> {
    const engine = fileEngine(HASTE);
    try {
      await engine.create('m', { table: this.#table(null) });
      const found = this.#model.check('the mirror', await engine.read('m', 0, SECTORS));
      await arrived(engine, 'm');
      await engine.remove('m');
      this.#model.adopt(found);
    } finally {
      await engine.close();
    }
    checkSame(
      this.#legs.map((_, index) => this.#read(index)),
      this.#model,
    );
  }

  #read(leg: number): Buffer {
    const { path, offset } = this.#legs[leg]!;
    return readFileSync(path).subarray(offset * SECTOR_SIZE);
  }
}
