import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it, vi } from 'vitest';
import { RUNS, search, SEARCH_TIME } from './crash-search.ts';
import type { CrashState } from './crash-states.ts';
import type { Images } from './crash-tape.ts';
import { Expectation, stamped } from './expectation.ts';
import type { Told } from './job.ts';
import { checkLegs, checkSame } from './mirror-check.ts';
import { arrived } from './progress.ts';
import { TapeWorld } from './tape-world.ts';

// The power fails at any moment, and each disk loses of what was not flushed any part: then the mirror is opened again.
vi.setConfig({ testTimeout: SEARCH_TIME });

const SECTORS = 100;
const REGION = 8;
const LOG_SECTORS = 4;
/** Numbers of what the other legs hold at first: nobody may ever see it. */
const FOREIGN = 2 ** 31;
/** What a log begins with. */
const MAGIC = 0x4d695272;
const VERSION = 2;
/** Behind the numbers of a run. */
const SECOND = 10_000;
/** Milliseconds in which regions become clean. */
const CLEAN = 3000;

function table(legs: number, word = ''): string {
  const log = `disk ${word === '' ? '2' : '3'} tape:log ${String(REGION)} ${word}`;
  const devices = ['tape:a 0', 'tape:b 0', 'tape:c 0'].slice(0, legs).join(' ');
  return `0 ${String(SECTORS)} mirror ${log} ${String(legs)} ${devices}`;
}

/** Legs that differ everywhere, and whatever there was where the log comes. */
function freshImages(legs: number, log: number): Images {
  const names = ['a', 'b', 'c'].slice(0, legs);
  return new Map([
    ...names.map((name, leg) => [name, stamped(0, SECTORS, leg === 0 ? 1 : FOREIGN + leg)] as const),
    ['log', new Uint8Array(LOG_SECTORS * SECTOR_SIZE).fill(log)],
  ]);
}

/** Writes during the resync, while regions become clean, and between a suspend and the next one. */
async function work(world: TapeWorld): Promise<void> {
  const { engine, clock } = world;
  await world.wait(world.load(['m'], 20));
  await world.wait(arrived(engine, 'm'));
  for (let i = 0; i < 3; i++) {
    clock.advance(CLEAN);
    await world.wait(Promise.all([world.pass(8), world.load(['m'], 10)]));
    clock.advance(CLEAN);
    await world.pass(8);
    await world.wait(world.load(['m'], 4));
    if (i !== 1) continue;
    await world.wait(Promise.all([world.load(['m'], 6), engine.suspend('m').then(() => engine.resume('m'))]));
  }
  await world.end();
}

function replay(before: Expectation, told: readonly Told[]): Expectation {
  const model = before.copy();
  for (const { word, sector, count, number } of told) {
    if (word === 'sent') model.sent(sector, count, number);
    if (word === 'done') model.settled(sector, count, number);
  }
  return model;
}

function legsOf(images: Images): Uint8Array[] {
  return [...images].filter(([name]) => name !== 'log').map(([, image]) => image);
}

/** Looks at what a power cut left, as it is and opened again; answers what must be there then. */
async function check({ images }: CrashState, model: Expectation): Promise<Expectation> {
  const legs = legsOf(images);
  model.adopt(checkLegs(legs, images.get('log')!, REGION, model));
  const world = new TapeWorld(images, SECTORS, 1, SECOND, 0);
  await world.make('m', table(legs.length));
  model.check('the mirror', await world.engine.read('m', 0, SECTORS));
  await arrived(world.engine, 'm');
  model.check('the mirror after a resync', await world.engine.read('m', 0, SECTORS));
  await world.end();
  checkSame(legsOf(world.tape.disks), model);
  return model;
}

describe.each(RUNS)('after any power cut, run %i,', (seed) => {
  it.each([
    { legs: 2, log: 0, word: '' },
    { legs: 3, log: 0, word: '' },
    // All bits say that regions are clean, but they are no log's.
    { legs: 2, log: 0xff, word: 'sync' },
  ])(
    'what was flushed is there and the legs become the same, $legs legs, $word',
    async ({ legs, log, word }) => {
      const world = new TapeWorld(freshImages(legs, log), SECTORS, seed);
      await world.wait(world.make('m', table(legs, word)));
      await work(world);
      const fresh = Expectation.of(SECTORS, 1);
      await search(world.tape, seed, async (state) => {
        await check(state, replay(fresh, world.tape.toldBefore(state.length)));
      });
    },
  );

  it.each([
    ['nothing', 0xff, 0],
    ['fewer regions', 0xff, 5],
  ])('a log where %s was does not say that regions are clean which are not', async (_, fill, regions) => {
    const images = freshImages(2, fill);
    const log = Buffer.from(images.get('log')!.buffer);
    if (regions > 0) {
      log.writeUInt32LE(MAGIC, 0);
      log.writeUInt32LE(VERSION, 4);
      log.writeBigUInt64LE(BigInt(regions), 8);
      images.get('b')!.set(images.get('a')!.subarray(0, regions * REGION * SECTOR_SIZE));
    }
    const world = new TapeWorld(images, SECTORS, seed);
    await world.wait(world.make('m', table(2)));
    const { length } = world.tape.events;
    await world.end();
    const checkOne = async (state: CrashState): Promise<void> => {
      await check(state, Expectation.of(SECTORS, 1));
    };
    await search(world.tape, seed, checkOne, length);
  });

  it('the same holds after the next one, while the regions of the first are copied', async () => {
    const first = new TapeWorld(freshImages(2, 0), SECTORS, seed);
    await first.wait(first.make('m', table(2)));
    await work(first);
    const states: [CrashState, Expectation][] = [];
    await search(first.tape, seed + 1, async (state) => {
      const model = replay(Expectation.of(SECTORS, 1), first.tape.toldBefore(state.length));
      states.push([state, await check(state, model)]);
    });
    for (const [{ images }, model] of states.slice(0, 2)) {
      const second = new TapeWorld(images, SECTORS, seed, SECOND);
      await second.wait(second.make('m', table(2)));
      await work(second);
      await search(second.tape, seed, async (state) => {
        await check(state, replay(model, second.tape.toldBefore(state.length)));
      });
    }
    expect(states.length).toBeGreaterThan(2);
  });
});
