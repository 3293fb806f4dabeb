import { BioOp, type Port, Random, Status } from '@interposer/core';
import type { ChaosDisk } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { Model, someSectors } from './model.ts';
import { numbersIn, sectorsOf, World } from './world.ts';

const SECTORS = 256;
const ORIGIN = `0 ${String(SECTORS)} snapshot-origin chaos:disk`;

interface Store {
  readonly name: string;
  readonly words: string;
  readonly disk: ChaosDisk;
}

/** A random run: an origin in use, snapshots that come, change hands and go, and what each must hold. */
class Run {
  readonly world = new World();
  readonly random: Random;
  readonly disk: ChaosDisk;
  readonly origin: Model;
  readonly snapshots: Model[] = [];
  readonly stores: Store[];
  readonly #underWay = new Set<Promise<void>>();
  #errors: unknown[] = [];
  #number = 1000;

  constructor(seed: number) {
    this.random = new Random(seed);
    const numbers = Array.from({ length: SECTORS }, (_, sector) => sector + 1);
    this.origin = new Model(
      'o',
      numbers.map((number) => [number]),
    );
    this.disk = this.world.disk('disk', { sectors: SECTORS, delay: 4, seed });
    this.disk.data.set(sectorsOf(numbers));
    this.stores = ['P 8', 'N 4', 'P 16', 'P 1 2 discard_zeroes_cow discard_passdown_origin'].map(
      (words, index) => ({
        name: `s${String(index)}`,
        words,
        disk: this.world.disk(`s${String(index)}`, { sectors: 1200, delay: 4, seed: seed + index + 1 }),
      }),
    );
  }

  table({ name, words }: Store, type = 'snapshot'): string {
    return `0 ${String(SECTORS)} ${type} chaos:disk chaos:${name} ${words}`;
  }

  /** Sends one request to some device, and does not wait for it. */
  async request(): Promise<void> {
    const { random } = this;
    const model = random.chance(0.5) ? this.origin : random.pick([this.origin, ...this.snapshots]);
    const [sector, count] = someSectors(random, SECTORS);
    const port = await this.world.port(model.name);
    if (random.chance(0.4)) {
      if (model.isQuiet(sector, count)) this.#send(model.read(port, sector, count));
    } else if (random.chance(0.05) && model.name === 's3') {
      if (model.isFree(sector, count)) this.#discard(model, sector, count, port);
    } else if (model.isFree(sector, count)) {
      const numbers = Array.from({ length: count }, () => this.#number++);
      this.#send(model.write(port, sector, numbers, random.chance(0.1)));
    }
  }

  /**
   * It goes to the origin too, past the other snapshots: they may hold zeroes as well. A copy that is under way may be of
   * before or of after it, so there is none.
   */
  #discard(model: Model, sector: number, count: number, port: Port): void {
    if (this.origin.writes.size > 0 || !this.origin.isFree(sector, count)) return;
    for (const one of [this.origin, ...this.snapshots])
      for (let at = sector; at < sector + count; at++) one.allow(at, 0);
    const everything = { sector: 0, numbers: new Array<number>(SECTORS) };
    this.origin.writes.add(everything);
    this.#send(model.discard(port, sector, count).finally(() => this.origin.writes.delete(everything)));
  }

  async settle(): Promise<void> {
    await this.world.wait(Promise.all(this.#underWay));
    if (this.#errors.length > 0) throw this.#errors[0];
  }

  async comes(): Promise<void> {
    const store = this.stores.find(({ name }) => !this.snapshots.some((model) => model.name === name));
    if (store === undefined) return;
    store.disk.data.fill(0);
    const model = this.origin.snapshot(store.name);
    // While a merge is at work it is a snapshot of what is on the disk, merged or not.
    for (const [sector, number] of numbersIn(this.disk.data).entries()) model.allow(sector, number);
    await this.world.create(store.name, this.table(store));
    this.snapshots.push(model);
  }

  async goes(): Promise<void> {
    const model = this.random.pick(this.snapshots);
    this.snapshots.splice(this.snapshots.indexOf(model), 1);
    await this.settle();
    await this.world.remove(model.name);
  }

  /** A store is closed, and opened again by another snapshot. */
  async reopens(): Promise<void> {
    const model = this.random.pick(this.snapshots);
    const store = this.storeOf(model);
    if (store.words.startsWith('N')) return;
    await this.settle();
    await this.world.remove(model.name);
    await this.world.create(store.name, this.table(store));
  }

  /** Another table takes over, with requests under way. */
  async changesHands(): Promise<void> {
    const model = this.random.pick(this.snapshots);
    await this.world.reload(model.name, this.table(this.storeOf(model)));
  }

  storeOf({ name }: Model): Store {
    return this.stores.find((store) => store.name === name)!;
  }

  async checkAll(): Promise<void> {
    await this.settle();
    for (const model of [this.origin, ...this.snapshots]) {
      const port = await this.world.port(model.name);
      await this.world.wait(model.read(port, 0, SECTORS));
    }
  }

  #send(request: Promise<void>): void {
    const watched: Promise<void> = request
      .catch((error: unknown) => void this.#errors.push(error))
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }
}

describe('random histories', () => {
  it.each(Array.from({ length: 8 }, (_, seed) => seed + 1))('of seed %i', async (seed) => {
    const run = new Run(seed);
    const { random, world } = run;
    await world.create('o', ORIGIN);
    for (let step = 0; step < 500; step++) {
      await run.request();
      if (random.chance(0.3)) await world.pass(random.between(1, 3));
      if (random.chance(0.04)) await run.comes();
      if (run.snapshots.length === 0) continue;
      const event = random.below(100);
      if (event === 0) await run.goes();
      else if (event === 1) await run.reopens();
      else if (event <= 3) await run.changesHands();
      else if (event === 4) await world.reload('o', ORIGIN);
    }
    await run.checkAll();
    await world.close();
    expect(world.log).toEqual([]);
  });

  it.each(Array.from({ length: 5 }, (_, seed) => seed + 101))(
    'with failing stores, of seed %i',
    async (seed) => {
      const run = new Run(seed);
      const { random, world } = run;
      await world.create('o', ORIGIN);
      for (let step = 0; step < 300; step++) {
        await run.request();
        if (random.chance(0.3)) await world.pass(random.between(1, 3));
        if (random.chance(0.04)) await run.comes();
        if (run.snapshots.length === 0) continue;
        if (random.chance(0.02)) {
          const model = random.pick(run.snapshots);
          model.mayFail = true;
          run
            .storeOf(model)
            .disk.fail(Status.Io, { op: random.pick([BioOp.Read, BioOp.Write, BioOp.Flush]), times: 1 });
        }
      }
      for (const { disk } of run.stores) disk.heal();
      await run.checkAll();
      await world.close();
    },
  );

  it.each(Array.from({ length: 5 }, (_, seed) => seed + 201))(
    'with a merge at the end, of seed %i',
    async (seed) => {
      const run = new Run(seed);
      const { random, world } = run;
      await world.create('o', ORIGIN);
      for (let step = 0; step < 250; step++) {
        await run.request();
        if (random.chance(0.3)) await world.pass(random.between(1, 3));
        if (random.chance(0.05) && run.snapshots.length < 3) await run.comes();
      }
      await run.settle();
      const merging = run.snapshots.find(({ name }) => name !== 's1')!;
      const store = run.storeOf(merging);
      run.snapshots.splice(run.snapshots.indexOf(merging), 1);
      run.stores.splice(run.stores.indexOf(store), 1);
      await world.wait(world.engine.load('o', run.table(store, 'snapshot-merge')));
      await world.wait(world.engine.suspend('o'));
      await world.wait(world.engine.suspend(merging.name));
      run.origin.sectors.splice(0, SECTORS, ...merging.sectors);
      await world.wait(world.engine.resume('o'));
      for (let step = 0; step < 150; step++) {
        await run.request();
        if (random.chance(0.5)) await world.pass(1);
        if (random.chance(0.03)) await run.comes();
        if (random.chance(0.03)) {
          await world.wait(world.engine.suspend('o'));
          await world.wait(world.engine.resume('o'));
        }
      }
      await run.settle();
      await world.merged('o');
      await run.checkAll();
      await world.reload('o', ORIGIN);
      await run.checkAll();
      expect(await world.status(merging.name)).toBe('Invalid');
      await world.close();
    },
  );
});
