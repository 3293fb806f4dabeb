import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { someSectors } from './model.ts';
import { PowerWorld, StableModel } from './power-world.ts';
import { sectorsOf, watch } from './world.ts';

const SECTORS = 64;
const STORE_SECTORS = 200;
/** Of a run; its requests are not many more. */
const MOST_CUTS = 25;
const OLD = Array.from({ length: SECTORS }, (_, sector) => sector + 1);
const ORIGIN = `0 ${String(SECTORS)} snapshot-origin chaos:disk`;

function table(type: string, words: string, store = 'a'): string {
  return `0 ${String(SECTORS)} ${type} chaos:disk chaos:${store} ${words}`;
}

async function start(
  boundary: number,
  seed: number,
  stores: Readonly<Record<string, number>>,
): Promise<PowerWorld> {
  const world = new PowerWorld(boundary, seed);
  await world.add('disk', sectorsOf(OLD));
  for (const [name, sectors] of Object.entries(stores)) {
    // Behind the sector where a header would be there is what was there before.
    await world.add(name, new Uint8Array(sectors * SECTOR_SIZE).fill(0xab, SECTOR_SIZE));
  }
  return world;
}

/** Sends writes and flushes to devices, a few at a time, until all are sent or the power has failed. */
async function work(
  world: PowerWorld,
  models: ReadonlyMap<string, StableModel>,
  steps: number,
): Promise<void> {
  const { random } = world;
  let number = 1000;
  for (let step = 0; step < steps && !world.isDead; step++) {
    const busy = new Set<string>();
    const requests: Promise<void>[] = [];
    for (let i = random.between(1, 4); i > 0; i--) {
      const [name, model] = random.pick([...models]);
      const port = await world.port(name);
      if (random.chance(0.15)) {
        requests.push(model.flush(port));
        continue;
      }
      const [sector, count] = someSectors(random, SECTORS);
      const sectors = Array.from({ length: count }, (_, index) => `${name} ${String(sector + index)}`);
      if (sectors.some((one) => busy.has(one))) continue;
      for (const one of sectors) busy.add(one);
      const numbers = sectors.map(() => number++);
      requests.push(model.write(port, sector, numbers, random.chance(0.1)));
    }
    await untilDead(world, Promise.all(requests));
  }
}

/** Waits for something, or for the power to fail. */
async function untilDead(world: PowerWorld, promise: Promise<unknown>): Promise<void> {
  const watched = watch(promise);
  while (!watched.over && !world.isDead) await world.pass(1);
  if (watched.over) await promise;
}

/** Lets the power fail before each request of a run, or before so many of them. */
async function atEveryRequest(run: (boundary: number) => Promise<PowerWorld>): Promise<void> {
  const { requests } = await run(Infinity);
  expect(requests).toBeGreaterThan(20);
  const step = Math.max(1, requests / MOST_CUTS);
  for (let at = 0; at <= requests; at += step) await run(Math.floor(at));
}

async function wholeDisk(world: PowerWorld): Promise<number[]> {
  return world.readAll('chaos:disk', SECTORS);
}

describe('after a power cut at any request', () => {
  it.each([
    [1, 'P 8'],
    [2, 'P 1'],
    [3, 'PO 4'],
  ])('origin and snapshot hold what they must, seed %i, %s', async (seed, words) => {
    await atEveryRequest(async (boundary) => {
      const world = await start(boundary, seed, { a: STORE_SECTORS });
      const models = new Map(['o', 's'].map((name) => [name, new StableModel(OLD)]));
      await world.create('o', ORIGIN);
      await world.create('s', table('snapshot', words));
      world.countFrom();
      await work(world, models, 12);
      const next = await world.afterwards();
      models.get('o')!.check('the origin', await wholeDisk(next));
      await next.create('s', table('snapshot', words));
      models.get('s')!.check('the snapshot', await next.readAll('s', SECTORS));
      // It goes on as if nothing had been.
      const after = new StableModel(await next.readAll('s', SECTORS));
      await next.create('o', ORIGIN);
      await work(next, new Map([['o', new StableModel(await wholeDisk(next))]]), 5);
      after.check('the snapshot', await next.readAll('s', SECTORS));
      await next.close();
      return world;
    });
  });

  it('a full store harms nobody', async () => {
    await atEveryRequest(async (boundary) => {
      const world = await start(boundary, 11, { a: 40 });
      const models = new Map(['o', 's'].map((name) => [name, new StableModel(OLD)]));
      await world.create('o', ORIGIN);
      await world.create('s', table('snapshot', 'P 4'));
      world.countFrom();
      // The snapshot fails when its store is full.
      await work(world, new Map([['o', models.get('o')!]]), 25);
      const next = await world.afterwards();
      models.get('o')!.check('the origin', await wholeDisk(next));
      await next.create('s', table('snapshot', 'P 4'));
      if ((await next.status('s')) !== 'Invalid')
        models.get('s')!.check('the snapshot', await next.readAll('s', SECTORS));
      else expect(boundary).toBeGreaterThan(5);
      await next.close();
      return world;
    });
  });

  it.each([
    [21, 'P 8'],
    [22, 'P 1'],
  ])('a merge goes on to the right end, seed %i, %s', async (seed, words) => {
    await atEveryRequest(async (boundary) => {
      const world = await start(boundary, seed, { a: STORE_SECTORS, b: STORE_SECTORS });
      const models = new Map(['o', 's'].map((name) => [name, new StableModel(OLD)]));
      await world.create('o', ORIGIN);
      await world.create('s', table('snapshot', words));
      await work(world, models, 6);
      await world.create('t', table('snapshot', 'P 4', 'b'));
      const kept = new StableModel(models.get('o')!.numbers);
      await world.wait(models.get('s')!.flush(await world.port('s')));
      await world.wait(models.get('o')!.flush(await world.port('o')));
      for (const name of ['s', 'o']) await world.remove(name);
      const merged = new StableModel(models.get('s')!.numbers);
      world.countFrom();
      const created = world
        .create('m', table('snapshot-merge', words))
        .then(() => work(world, new Map([['m', merged]]), 8));
      await untilDead(world, created);
      const next = await world.afterwards();
      await next.create('t', table('snapshot', 'P 4', 'b'));
      kept.check('the other snapshot', await next.readAll('t', SECTORS));
      await next.create('m', table('snapshot-merge', words));
      const found = await next.readAll('m', SECTORS);
      merged.check('the merge', found);
      await next.merged('m');
      expect(await next.readAll('m', SECTORS)).toEqual(found);
      await next.remove('m');
      expect(await wholeDisk(next)).toEqual(found);
      kept.check('the other snapshot', await next.readAll('t', SECTORS));
      await next.close();
      return world;
    });
  });
});
