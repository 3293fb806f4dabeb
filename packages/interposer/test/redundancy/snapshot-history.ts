import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, type Random, SECTOR_SIZE } from '@interposer/core';
import { Expectation, stamped } from './expectation.ts';
import { type Job, nextNumber, type Told } from './job.ts';
import type { Instant, Killer } from './kills.ts';
import { fileEngine } from './parts.ts';
import { arrived } from './progress.ts';
import { SnapshotModels } from './snapshot-models.ts';

const SECTORS = 2048;
/** What fits into a store that is to become full. */
const TIGHT = 400;
const ROOMY = 3000;

/**
 * A disk `o` with the snapshots `s` and `t`, all of them written to, through one kill after another. If it is to be merged, `o`
 * becomes what `s` is in the end.
 */
export class SnapshotHistory {
  readonly #folder: string;
  readonly #random: Random;
  readonly #killer: Killer;
  readonly #merges: boolean;
  /** What the devices must hold that have been made. */
  readonly #models = new SnapshotModels([['o', Expectation.of(SECTORS, 1)]]);
  readonly #stores: Readonly<Record<'s' | 't', string>>;
  readonly #isTight: boolean;
  #isInvalid = false;
  /** Rounds before the merge. */
  #rounds: number;
  #isOver = false;
  #number = 2;

  constructor(folder: string, random: Random, killer: Killer, merges: boolean) {
    this.#folder = folder;
    this.#random = random;
    this.#killer = killer;
    this.#merges = merges;
    this.#rounds = merges ? random.between(1, 3) : random.between(2, 8);
    this.#isTight = !merges && random.chance(0.3);
    const letters = this.#isTight ? ['P', 'PO'] : ['P'];
    const word = (): string => `${random.pick(letters)} ${String(random.pick([1, 4, 8, 8, 32]))}`;
    this.#stores = { s: `${this.#path('s')} ${word()}`, t: `${this.#path('t')} P 8` };
    writeFileSync(this.#path('o'), stamped(0, SECTORS, 1));
    for (const name of ['s', 't']) this.#makeStore(name, name === 's' && this.#isTight ? TIGHT : ROOMY);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async round(): Promise<void> {
    const turns = this.#merges && !this.#models.isMerging && --this.#rounds === 0;
    const job = this.#models.isMerging ? this.#mergeJob() : this.#job(turns);
    const told = await this.#killer.run(job, this.#instant(job));
    // Old or new, as if it were still under way. Nobody but a snapshot fails whose store is full.
    const failed = told.find(({ word, device }) => word === 'failed' && !(this.#isTight && device === 's'));
    if (failed !== undefined) throw new Error(`a write to ${failed.device} failed`);
    this.#models.take(told);
    this.#number = nextNumber(told, this.#number);
    await this.#check();
    if (this.#models.isMerging) await this.#afterMerge(told);
    else if (!this.#merges && --this.#rounds === 0) this.#isOver = true;
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.img`);
  }

  /** Zeroes where the header comes, and behind it whatever was on the disk before. */
  #makeStore(name: string, sectors: number): void {
    const data = Buffer.alloc(sectors * SECTOR_SIZE, 0xab);
    data.fill(0, 0, SECTOR_SIZE);
    writeFileSync(this.#path(name), data);
  }

  #snapshotTable(name: 's' | 't', type = 'snapshot'): string {
    return `0 ${String(SECTORS)} ${type} ${this.#path('o')} ${this.#stores[name]}`;
  }

  #job(turns: boolean): Job {
    const snapshots = (['s', 't'] as const).map((name) => [name, this.#snapshotTable(name)] as const);
    // One that is there must be there before anything is written.
    const isFirst = ([name]: readonly [string, string]): boolean => turns || this.#models.has(name);
    const origin = ['o', `0 ${String(SECTORS)} snapshot-origin ${this.#path('o')}`] as const;
    const turn = {
      after: this.#random.between(1, 60),
      device: 'o',
      table: this.#snapshotTable('s', 'snapshot-merge'),
      suspended: 's',
    };
    return {
      ...this.#anyJob(),
      devices: [...snapshots.filter(isFirst), origin],
      laterDevices: snapshots.filter((one) => !isFirst(one)),
      targets: ['o', 'o', 's', 't'],
      ...(turns ? { turn, merge: 'o' } : {}),
    };
  }

  #mergeJob(): Job {
    return {
      ...this.#anyJob(),
      devices: [
        ['t', this.#snapshotTable('t')],
        ['o', this.#snapshotTable('s', 'snapshot-merge')],
      ],
      laterDevices: [],
      targets: ['o', 'o', 'o', 't'],
      merge: 'o',
    };
  }

  #anyJob(): Pick<Job, 'seed' | 'firstNumber' | 'haste' | 'sectors' | 'writers' | 'slow'> {
    const random = this.#random;
    const path = this.#path(random.pick(['o', 's', 't']));
    return {
      ...(random.chance(0.3) ? { slow: { path, delay: 1 } } : {}),
      seed: random.below(2 ** 31),
      firstNumber: this.#number,
      haste: 1,
      sectors: SECTORS,
      writers: random.pick([1, 4, 16]),
    };
  }

  #instant({ turn, devices, laterDevices }: Job): Instant {
    const random = this.#random;
    const made = devices.length + laterDevices.length;
    if (turn !== undefined && random.chance(0.8))
      return { word: random.pick(['turning', 'turned']), times: 1, delay: random.below(15) };
    if (this.#models.isMerging && random.chance(0.6))
      return { word: 'making', times: made, delay: random.below(20) };
    if (random.chance(0.2)) return { word: 'making', times: random.between(1, made), delay: random.below(4) };
    const times = (turn?.after ?? 0) + random.between(1, 60);
    return { word: 'done', times, delay: random.pick([0, 0, 0, 1, 3]) };
  }

  async #check(): Promise<void> {
    if (!this.#models.isMerging) this.#checkImage();
    const engine = fileEngine();
    try {
      for (const name of ['s', 't'] as const) await this.#checkSnapshot(engine, name);
    } finally {
      await engine.close();
    }
  }

  /** Of a merge, what the disk is now is what its snapshot would be. */
  async #checkSnapshot(engine: Engine, name: 's' | 't'): Promise<void> {
    const isMerging = this.#models.isMerging && name === 's';
    const modelName = isMerging ? 'o' : name;
    if (!this.#models.has(modelName)) return;
    const model = this.#models.get(modelName);
    await engine.create(name, { table: this.#snapshotTable(name) });
    const [row] = await engine.status(name);
    const isInvalid = row!.params === 'Invalid';
    if (name === 's' && this.#isInvalid && !isInvalid) throw new Error('an invalid snapshot is back');
    if (!isInvalid) model.adopt(model.check(isMerging ? 'the merge' : name, await read(engine, name)));
    else if (name === 's' && this.#isTight) this.#isInvalid = true;
    else throw new Error(`snapshot ${name} is invalid`);
  }

  /** Without the help of what is tested. */
  #checkImage(): void {
    const model = this.#models.get('o');
    model.adopt(model.check('the origin', readFileSync(this.#path('o'))));
  }

  async #afterMerge(told: readonly Told[]): Promise<void> {
    const isMerged = told.some(({ word }) => word === 'merged');
    if (isMerged) this.#checkImage();
    this.#isOver = isMerged || this.#random.chance(0.3);
    if (this.#isOver && !isMerged) await this.#merge();
  }

  /** What is left to merge goes where it belongs, and the other snapshot stays what it is. */
  async #merge(): Promise<void> {
    const engine = fileEngine();
    const model = this.#models.get('o');
    try {
      await engine.create('t', { table: this.#snapshotTable('t') });
      await engine.create('o', { table: this.#snapshotTable('s', 'snapshot-merge') });
      model.check('the disk during the merge', await read(engine, 'o'));
      await arrived(engine, 'o');
      model.check('the disk after the merge', await read(engine, 'o'));
      this.#models.get('t').check('the other snapshot', await read(engine, 't'));
    } finally {
      await engine.close();
    }
    this.#checkImage();
  }
}

function read(engine: Engine, name: string): Promise<Uint8Array> {
  return engine.read(name, 0, SECTORS);
}
