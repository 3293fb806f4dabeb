import { Random } from '@interposer/core';
import { expect, it } from 'vitest';
import { History, type Mix } from './history.ts';
import { Setup, type SetupOptions } from './setup.ts';

const SEEDS = 24;
const MIX: Mix = { requests: 60, flushes: 0.05, fuas: 0, reads: 0, discards: 0.1, past: 0, failures: 0 };

/**
 * Whether sectors are as after a number of the writes in order, of which at least the first so many, and with `mayTear` a part
 * of the next one.
 */
function isPrefix(values: readonly number[], history: History, mayTear: boolean): boolean {
  const state = new Array<number>(values.length).fill(0);
  for (let done = 0; ; done++) {
    const next = history.acknowledged[done];
    const isEqual = (value: number, at: number): boolean =>
      value === state[at] ||
      (mayTear &&
        next !== undefined &&
        at >= next.sector &&
        at < next.sector + next.count &&
        value === next.value);
    if (done >= history.flushed && values.every(isEqual)) return true;
    if (next === undefined) return false;
    state.fill(next.value, next.sector, next.sector + next.count);
  }
}

const DISKS: readonly (readonly [string, SetupOptions])[] = [
  ['a disk that answers at once', {}],
  ['a late disk', { delay: 9 }],
  ['a small cache on a late disk', { delay: 4, capacity: 32 * 1024 }],
];

it.each(DISKS)(
  'order prefix leaves the disk as after some of the writes, in order: %s',
  async (_, options) => {
    let partly = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed);
      const setup = await Setup.start({ ...options, seed });
      const history = new History(setup, random, MIX);
      history.run();
      const torn = seed % 2;
      await setup.settle(setup.cache.cut({ random, keep: 0.5, torn, unit: 512, order: 'prefix' }));
      const values = setup.stable(0, 64);
      expect([seed, isPrefix(values, history, torn === 1)]).toEqual([seed, true]);
      if (!isPrefix(values, history, false)) partly++;
      setup.cache.on();
      await setup.stop();
    }
    expect(partly).toBeGreaterThan(2);
  },
);

it('order any does leave the disk as no prefix would', async () => {
  let others = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const setup = await Setup.start({ seed });
    const history = new History(setup, random, MIX);
    history.run();
    await setup.settle(setup.cache.cut({ random, keep: 0.5, torn: 0, unit: 512, order: 'any' }));
    if (!isPrefix(setup.stable(0, 64), history, false)) others++;
    setup.cache.on();
    await setup.stop();
  }
  expect(others).toBeGreaterThan(SEEDS / 2);
});
