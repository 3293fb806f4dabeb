import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { History, type Mix } from './history.ts';
import { Setup, type SetupOptions } from './setup.ts';

const SEEDS = 10;
const MIX: Mix = { requests: 90, flushes: 0.08, fuas: 0.1, reads: 0.2, discards: 0.1, past: 0, failures: 0 };

const KINDS: readonly (readonly [name: string, mix: Partial<Mix>, options: SetupOptions])[] = [
  ['a disk that answers at once', {}, {}],
  ['a late disk', {}, { delay: 6 }],
  ['a late disk that splits', {}, { delay: 6, limits: { maxSectors: 3 } }],
  ['a small cache', {}, { capacity: 24 * 1024 }],
  ['a small cache on a late disk', {}, { delay: 6, capacity: 24 * 1024 }],
  ['a cache of nothing', { flushes: 0.2 }, { delay: 3, capacity: 0 }],
  ['many flushes and FUA writes', { flushes: 0.3, fuas: 0.3 }, { delay: 6 }],
  ['only some writes cached', { past: 0.5 }, { delay: 6 }],
  ['some writes cached, a small cache', { past: 0.4, fuas: 0.2 }, { delay: 6, capacity: 24 * 1024 }],
  ['failures below', { failures: 0.15, flushes: 0.2 }, { delay: 4 }],
  ['failures below a small cache', { failures: 0.15, past: 0.2 }, { delay: 4, capacity: 24 * 1024 }],
];

describe.each(KINDS)(
  '%s: what was flushed is there, and no sector is older, or never was',
  (_, mix, options) => {
    async function begin(seed: number): Promise<[Setup, History, Random]> {
      const random = new Random(seed);
      const setup = await Setup.start({ ...options, seed });
      const history = new History(setup, random, { ...MIX, ...mix });
      history.run();
      return [setup, history, random];
    }

    it.each(['any', 'prefix'] as const)('after a cut at a random moment, order %s', async (order) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const [setup, history, random] = await begin(seed);
        setup.disk.heal();
        const chance = { keep: random.next(), torn: random.next(), unit: 512 << random.below(3) };
        await setup.settle(setup.cache.cut({ random, order, ...chance }));
        expect(history.inFlight).toBe(0);
        expect([seed, history.problems, history.checkStable()]).toEqual([seed, [], undefined]);
        setup.cache.on();
        expect(await setup.read(0, 64)).toEqual(setup.below(0, 64));
        await setup.stop();
      }
    });

    it('after the process was killed at a random moment', async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const [setup, history] = await begin(seed);
        const sectors = setup.disk.limits.sectors;
        // Requests may be on their way below, so the disk is looked at, and its own power is cut when they are back.
        setup.disk.heal();
        await setup.engine.yank('chaos:d');
        await setup.settle(Promise.resolve());
        setup.clock.advance(100);
        expect([seed, history.problems]).toEqual([seed, []]);
        expect([seed, history.oracle.checkStable(setup.stable(0, sectors))]).toEqual([seed, undefined]);
        await setup.stop();
      }
    });

    it('after an orderly detach, which keeps all of it', async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const [setup, history] = await begin(seed);
        setup.disk.heal();
        await setup.settle(setup.engine.detachFilter('chaos:d', 'cache'));
        setup.clock.advance(100);
        expect(history.inFlight).toBe(0);
        const found = history.oracle.checkRead(0, setup.below(0, 64), history.oracle.mark(0, 64));
        expect([seed, history.problems, found, history.checkStable()]).toEqual([
          seed,
          [],
          undefined,
          undefined,
        ]);
        await setup.stop();
      }
    });
  },
);
