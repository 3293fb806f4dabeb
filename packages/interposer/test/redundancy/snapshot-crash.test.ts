import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it, vi } from 'vitest';
import { RUNS, search, SEARCH_TIME } from './crash-search.ts';
import type { CrashState } from './crash-states.ts';
import type { CrashTape, Images } from './crash-tape.ts';
import { Expectation, stamped } from './expectation.ts';
import { arrived } from './progress.ts';
import { SnapshotModels } from './snapshot-models.ts';
import { TapeWorld } from './tape-world.ts';

// The power fails at any moment, and each disk loses of what was not flushed any part: then the snapshots are opened again.
vi.setConfig({ testTimeout: SEARCH_TIME });

const SECTORS = 96;
const ROOMY = 300;
const ORIGIN = `0 ${String(SECTORS)} snapshot-origin tape:o`;
/** The words of a snapshot that has discards. */
const DISCARDS = '1 discard_zeroes_cow';
/** Behind the numbers of a run. */
const SECOND = 10_000;

/** What the stores of `s` and `t` are like. */
type Words = Readonly<Record<'s' | 't', string>>;

function table(name: 's' | 't', words: Words, type = 'snapshot'): string {
  return `0 ${String(SECTORS)} ${type} tape:o tape:${name} ${words[name]}`;
}

function freshImages(storeSectors: number): Images {
  const store = (sectors: number): Uint8Array => {
    // Behind the sector of the header there is whatever was on the disk before.
    return new Uint8Array(sectors * SECTOR_SIZE).fill(0xab, SECTOR_SIZE);
  };
  return new Map([
    ['o', stamped(0, SECTORS, 1)],
    ['s', store(storeSectors)],
    ['t', store(ROOMY)],
  ]);
}

function freshModels(): SnapshotModels {
  return new SnapshotModels([['o', Expectation.of(SECTORS, 1)]]);
}

async function prepare(
  images: Images,
  words: Words,
  seed: number,
  mayFail: string | null = null,
): Promise<TapeWorld> {
  const world = new TapeWorld(images, SECTORS, seed);
  world.mayFail = mayFail;
  if (words.s.includes(DISCARDS)) world.discarded = 's';
  await world.wait(world.make('o', ORIGIN));
  if (seed % 2 === 0) await world.wait(world.load(['o'], 8));
  // One is made while its origin is written to.
  await world.wait(Promise.all([world.load(['o'], 8), world.make('s', table('s', words))]));
  await world.wait(world.load(['o', 's'], 10));
  await world.wait(world.flush('o'));
  await world.wait(world.make('t', table('t', words)));
  return world;
}

/** The disk becomes what `s` is, in use. */
async function merge(world: TapeWorld, words: Words): Promise<void> {
  const { engine } = world;
  world.tell('turning');
  await world.wait(engine.suspend('s'));
  await world.wait(engine.load('o', table('s', words, 'snapshot-merge')));
  await world.wait(engine.resume('o'));
  await loadWhileMerging(world);
}

async function loadWhileMerging(world: TapeWorld): Promise<void> {
  await world.wait(Promise.all([world.load(['o', 'o', 't'], 16), arrived(world.engine, 'o')]));
  await world.wait(world.flush('o'));
  world.tell('merged', 'o');
}

/** Opens what a power cut left; answers what must be there then. `mayBeInvalid`: the store of `s` is small. */
async function check(
  tape: CrashTape,
  before: SnapshotModels,
  words: Words,
  { length, images }: CrashState,
  mayBeInvalid = false,
): Promise<SnapshotModels> {
  const models = before.copy();
  const told = tape.toldBefore(length);
  models.take(told);
  const isMerged = told.some(({ word }) => word === 'merged');
  if (!models.isMerging || isMerged) adopt(models, 'o', images.get('o')!);
  const world = new TapeWorld(images, SECTORS, 1, SECOND, 0);
  for (const name of ['s', 't'] as const) {
    const model = models.isMerging && name === 's' ? 'o' : name;
    if (!models.has(model)) continue;
    await world.make(name, table(name, words));
    const [row] = await world.engine.status(name);
    if (row!.params !== 'Invalid') adopt(models, model, await world.engine.read(name, 0, SECTORS));
    else if (name === 't' || !mayBeInvalid) throw new Error(`snapshot ${name} is invalid`);
  }
  await world.end();
  return models;
}

function adopt(models: SnapshotModels, name: string, data: Uint8Array): void {
  models.get(name).adopt(models.get(name).check(name, data));
}

/** The merge goes on to its end, and everything is where it belongs. */
async function checkMerge(images: Images, models: SnapshotModels, words: Words): Promise<void> {
  const world = new TapeWorld(images, SECTORS, 1, SECOND, 0);
  const { engine } = world;
  await world.make('t', table('t', words));
  await world.make('o', table('s', words, 'snapshot-merge'));
  models.get('o').check('the disk during the merge', await engine.read('o', 0, SECTORS));
  await arrived(engine, 'o');
  models.get('o').check('the disk after the merge', await engine.read('o', 0, SECTORS));
  models.get('t').check('the other snapshot', await engine.read('t', 0, SECTORS));
  await world.end();
}

describe.each(RUNS)('after any power cut, run %i,', (seed) => {
  it.each([
    { s: 'P 1', t: 'P 8' },
    { s: 'P 8', t: 'P 2' },
    { s: `P 4 ${DISCARDS}`, t: 'P 8' },
  ])('the origin and both snapshots are what they must be, $s and $t', async (words) => {
    const world = await prepare(freshImages(ROOMY), words, seed);
    await world.wait(world.load(['o', 'o', 's', 't'], 40));
    await world.end();
    await search(world.tape, seed, async (state) => {
      await check(world.tape, freshModels(), words, state);
    });
  });

  it.each([
    { s: 'P 4', t: 'P 8' },
    { s: 'PO 4', t: 'P 8' },
  ])('a snapshot whose store is full is right or invalid, $s', async (words) => {
    const world = await prepare(freshImages(48), words, seed, 's');
    while (!/^(Invalid|Overflow)$/.test((await world.engine.status('s'))[0]!.params))
      await world.wait(world.load(['s', 'o'], 4));
    // Now much is written that the snapshot lacks.
    await world.wait(world.load(['o', 'o', 't'], 30));
    await world.end();
    await search(world.tape, seed, async (state) => {
      await check(world.tape, freshModels(), words, state, true);
    });
  });

  it.each([
    { s: 'P 1', t: 'P 8' },
    { s: 'P 8', t: 'P 4' },
    { s: `P 2 ${DISCARDS}`, t: 'P 8' },
  ])('a merge goes on to the right end, and after the next power cut too, $s and $t', async (words) => {
    const first = await prepare(freshImages(ROOMY), words, seed);
    await first.wait(first.load(['o', 's', 's', 't'], 20));
    const { length } = first.tape.events;
    await merge(first, words);
    await first.end();
    let again: [CrashState, SnapshotModels] | undefined;
    await search(first.tape, seed, async (state) => {
      const models = await check(first.tape, freshModels(), words, state);
      if (!models.isMerging) return;
      await checkMerge(state.images, models, words);
      if (state.length > length + 20) again ??= [state, models];
    });
    const [{ images }, models] = again!;
    const second = new TapeWorld(images, SECTORS, seed, SECOND);
    await second.wait(second.make('t', table('t', words)));
    await second.wait(second.make('o', table('s', words, 'snapshot-merge')));
    await loadWhileMerging(second);
    await second.end();
    await search(second.tape, seed, async (state) => {
      const after = await check(second.tape, models, words, state);
      await checkMerge(state.images, after, words);
    });
    expect(second.tape.events.length).toBeGreaterThan(50);
  });
});
