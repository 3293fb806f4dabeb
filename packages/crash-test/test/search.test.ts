import { setImmediate, setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Check,
  junit,
  type Progress,
  reportText,
  type SearchOptions,
  type SearchResult,
  searchCrashStates,
} from '../src/index.ts';
import { contentOf, type Disks, open, type Step } from './logs.ts';
import { statesOf } from './states.ts';

const PASS: Check = async () => ({ ok: true });

let disks: Disks | undefined;
afterEach(() => disks?.close());

async function search(
  base: string,
  steps: readonly Step[],
  more: Partial<SearchOptions> = {},
): Promise<SearchResult> {
  disks = await open(base, steps);
  return searchCrashStates({ ...disks, check: PASS, ...more });
}

describe('epochs', () => {
  it('end with flushes that cover writes, and the last with the log', async () => {
    const { epochs } = await search('........', [
      ['flush'],
      ['mark', 'a'],
      ['write', 0, 'ab'],
      ['flush'],
      ['flush'],
      ['mark', 'b'],
      ['flush'],
      ['fua', 0, 'c'],
      ['write', 1, 'd'],
      ['discard', 0, 4],
      ['flush'],
      ['mark', 'dm-log-writes-end'],
    ]);
    const inShort = epochs.map(({ epoch, entries, writes, fua, flushed }) => [
      epoch,
      entries,
      writes,
      fua,
      flushed,
    ]);
    expect(inShort).toEqual([
      [0, [0, 3], 1, 0, true],
      [1, [4, 10], 2, 1, true],
      [2, undefined, 0, 0, false],
    ]);
  });

  it('have no promises but what was marked before the crash', async () => {
    disks = await open('........', [
      ['mark', 'one'],
      ['fua', 0, 'a'],
      ['mark', 'two'],
      ['fua', 1, 'b'],
      ['write', 2, 'c'],
      ['flush'],
      ['mark', 'three'],
      ['mark', 'dm-log-writes-end'],
    ]);
    const told = await Promise.all(
      (await statesOf(disks)).map(async (state) => [await contentOf(state), state.promises.length]),
    );
    expect(told).toEqual([
      ['........', 1],
      ['ab......', 2],
      ['a.......', 2],
      ['abc.....', 3],
    ]);
  });

  it('begin with what an empty log leaves: the base', async () => {
    disks = await open('ab......', []);
    const states = await statesOf(disks);
    expect(await Promise.all(states.map(contentOf))).toEqual(['ab......']);
    expect(states[0]).toMatchObject({
      id: 'e0-m0-0000000000000000',
      epoch: 0,
      promises: [],
      kept: [],
      lost: [],
    });
  });

  it('take an entry with data and a flush for a flush and then a write', async () => {
    disks = await open('........', [
      ['write', 0, 'a'],
      ['fua', 1, 'b'],
    ]);
    const data = await disks.log.read(3, 1);
    // Both flags of the second entry.
    data[16] = 3;
    const log = await disks.engine.open('memory:log', { claim: 'noexcl' });
    await log.write(3, data);
    log.close();
    const contents = await Promise.all((await statesOf(disks)).map(contentOf));
    expect(contents).toEqual(['........', 'a.......', 'ab......']);
  });

  it('are refused where they write beyond the base', async () => {
    await expect(search('....', [['write', 2, 'abc']])).rejects.toMatchObject({
      code: 'EINVAL',
      message: 'entry 0 of the log writes sectors 2+3, but the base has 4',
    });
  });
});

describe('writes with FUA that overlap others', () => {
  it('are told where the log does not say which came first, and taken in its order', async () => {
    const result = await search('........', [
      ['fua', 0, 'ab'],
      ['fua', 4, 'cd'],
      ['write', 1, 'xx'],
      ['write', 5, 'd'],
      ['flush'],
      ['write', 0, 'y'],
    ]);
    expect(result.ambiguous).toEqual([{ epoch: 0, fua: 0, write: 2 }]);
    const last = (await statesOf(disks!)).at(-1)!;
    expect(await contentOf(last)).toBe('yxx.cd..');
  });
});

describe('bounds', () => {
  const five = Array.from({ length: 5 }, (_, epoch): Step[] => [
    ...Array.from({ length: epoch === 2 ? 40 : 2 }, (__, index): Step => ['write', index, 'abcde'[epoch]!]),
    ['flush'],
  ]).flat();
  const base = '.'.repeat(48);

  it('are shared by the epochs, and what one leaves others have', async () => {
    const explored = async (states: number): Promise<number[]> =>
      (await search(base, five, { states })).epochs.map((epoch) => epoch.explored);
    expect(await explored(10_000)).toEqual([4, 4, 512, 4, 4, 1]);
    expect(await explored(100)).toEqual([4, 4, 83, 4, 4, 1]);
    expect(await explored(16)).toEqual([3, 3, 3, 3, 3, 1]);
    expect(await explored(3)).toEqual([1, 0, 1, 0, 1, 0]);
  });

  it('leave out other random states than the likely ones', async () => {
    disks = await open(base, five.slice(6, 47));
    const states = await statesOf(disks, { perEpoch: 200 });
    const sizes = states.filter(({ epoch }) => epoch === 0).map(({ kept }) => kept.length);
    expect(sizes).toContain(0);
    expect(sizes.filter((size) => size === 1).length).toBeGreaterThan(20);
    expect(sizes.filter((size) => size === 39).length).toBeGreaterThan(20);
    const contents = new Set(states.map(({ hash }) => hash));
    expect(contents.size).toBe(states.length);
  });

  it('all subsets of few writes are made', async () => {
    const steps = Array.from({ length: 6 }, (_, index): Step => ['write', index * 4, 'abcd']);
    disks = await open(base, steps);
    const states = await statesOf(disks, { exhaustive: 6, perEpoch: 1000 });
    const subsets = states.filter(({ kept }) => kept.every(({ torn }) => torn === undefined));
    expect(subsets).toHaveLength(64);
    expect(states.length).toBeGreaterThan(500);
  });

  it.each([
    ['unit', 1000, 'a unit of 1000 bytes: want a power of two of at least 512'],
    ['unit', 256, 'a unit of 256 bytes'],
    ['seed', 0.5, 'seed 0.5: want a whole number'],
    ['exhaustive', -1, 'exhaustive -1'],
    ['exhaustive', NaN, 'exhaustive NaN'],
    ['perEpoch', 0, 'perEpoch 0: want a whole number from 1 on'],
    ['states', 1.5, 'states 1.5'],
    ['jobs', Infinity, 'jobs Infinity'],
    ['timeout', 0, 'timeout 0'],
    ['stopAfter', -1, 'stopAfter -1'],
  ])('that cannot be are refused: %s %d', async (name, value, message) => {
    const tried = search('....', [], { [name]: value });
    await expect(tried).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(tried).rejects.toThrow(message);
  });
});

describe('checks', () => {
  const steps: Step[] = Array.from({ length: 6 }, (_, index) => ['write', index, 'a']);

  it('run so many at a time', async () => {
    let [running, most] = [0, 0];
    const check: Check = async () => {
      most = Math.max(most, ++running);
      await setImmediate();
      running--;
      return { ok: true };
    };
    await search('........', steps, { check, jobs: 3 });
    expect(most).toBe(3);
  });

  it('that take too long have failed, and are told', async () => {
    const reasons: unknown[] = [];
    const check: Check = async ({ kept }, signal) => {
      if (kept.length < 2) return { ok: true };
      await setTimeout(60_000, undefined, { signal }).catch(() => reasons.push(signal.reason));
      return { ok: true };
    };
    const { failures } = await search('........', steps, { check, timeout: 20 });
    expect(failures.map(({ message }) => message)).toEqual(['the check did not end within 20 ms']);
    expect(failures[0]?.state.kept).toHaveLength(2);
    expect(reasons[0]).toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('may be given all the time there is', async () => {
    const check: Check = () => setTimeout(50, { ok: true });
    const { failures } = await search('........', steps, { check, timeout: Number.MAX_SAFE_INTEGER });
    expect(failures).toEqual([]);
  });

  it('that reject end the search, when the others have ended', async () => {
    let running = 0;
    const check: Check = async ({ kept }) => {
      running++;
      await setImmediate();
      running--;
      if (kept.length === 3) throw new Error('no checker');
      return { ok: true };
    };
    await expect(search('........', steps, { check, jobs: 3 })).rejects.toThrow('no checker');
    expect(running).toBe(0);
  });

  it('behind one that failed are given up', async () => {
    const given: boolean[] = [];
    const check: Check = async ({ kept }, signal) => {
      if (kept.length === 0) return { ok: false, message: 'empty' };
      await setTimeout(60_000, undefined, { signal }).catch(() => given.push(signal.aborted));
      return { ok: true };
    };
    const result = await search('........', steps, { check, jobs: 4 });
    expect(given).toEqual([true, true, true]);
    expect(result).toMatchObject({ explored: 1, checked: 1, ended: 'complete' });
  });

  it('are told of as they end', async () => {
    const told: Progress[] = [];
    const result = await search('........', [...steps, ['flush'], ['write', 0, 'b']], {
      onProgress: (progress) => told.push(progress),
      check: async ({ kept, epoch }) =>
        epoch === 0 && kept.length === 1 ? { ok: false, message: 'one' } : { ok: true },
      jobs: 2,
    });
    const last = told.at(-1);
    const { pruned, checked } = result;
    expect(last).toEqual({
      done: 66,
      total: 66,
      explored: pruned + checked,
      pruned,
      checked,
      failures: 1,
      epoch: 1,
      epochs: 2,
    });
    const done = told.map((progress) => progress.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });
});

it('a search ends with so many failures', async () => {
  const steps = Array.from({ length: 5 }, (_, index): Step[] => [
    ['write', index, 'a'],
    ['flush'],
    ['mark', String(index)],
  ]).flat();
  const check: Check = async ({ epoch, kept, promises }) =>
    epoch > 0 && kept.length === 0 && promises.length === epoch ? { ok: false, message: 'no' } : { ok: true };
  const all = await search('........', steps, { check });
  expect(all).toMatchObject({ ended: 'complete', bounded: false });
  expect(all.failures).toHaveLength(5);
  await disks?.close();
  const some = await search('........', steps, { check, stopAfter: 2 });
  expect(some).toMatchObject({ ended: 'stopped', bounded: true });
  expect(some.failures.map(({ state }) => state.epoch)).toEqual([1, 2]);
  expect(some.epochs).toHaveLength(3);
});

it('a check that is given up and does not end is not waited for any longer than any', async () => {
  const control = new AbortController();
  const check: Check = () => {
    control.abort();
    return new Promise(() => undefined);
  };
  const result = await search('........', [], { check, signal: control.signal, timeout: 10 });
  expect(result).toMatchObject({ ended: 'aborted', failures: [] });
});

it('a search without end can be broken off, though nothing in it waits', async () => {
  const steps = Array.from({ length: 60 }, (_, index): Step => ['write', index % 8, 'a']);
  const control = new AbortController();
  const bounds = { exhaustive: Infinity, perEpoch: Infinity, states: Infinity };
  const searching = search('........', steps, { ...bounds, signal: control.signal });
  await setTimeout(50);
  control.abort();
  expect(await searching).toMatchObject({ ended: 'aborted', bounded: true });
});

it('what a failure leaves is not a failure of each epoch behind it', async () => {
  const steps: Step[] = [
    ['write', 0, 'a'],
    ['flush'],
    ['mark', 'one'],
    ['write', 1, 'b'],
    ['write', 2, 'c'],
    ['flush'],
    ['mark', 'two'],
    ['write', 3, 'd'],
    ['flush'],
    ['write', 4, 'e'],
  ];
  // The disk is bad for good with the second write, and later something is promised, too.
  const check: Check = async (state) => {
    const [, b] = await contentOf(state);
    if (b === 'b') return { ok: false, message: 'there is a b' };
    return state.promises.length < 2 ? { ok: true } : { ok: false, message: 'two' };
  };
  const result = await search('........', steps, { check });
  expect(result.failures.map(({ state }) => [state.epoch, state.kept.length])).toEqual([[1, 1]]);
  expect(result.epochs.map(({ beginsBroken }) => beginsBroken)).toEqual([false, false, true, true]);
  expect(result.bounded).toBe(false);
  expect(reportText(result)).toContain('2 epochs behind a failure begin with a disk that fails already');
  expect(junit(result)).toContain('skipped="2"');
  await disks?.close();

  // A promise of its own is a failure of its own.
  const promise: Check = async ({ epoch, kept, promises }) =>
    kept.length === 0 && promises.length === epoch && epoch > 0
      ? { ok: false, message: 'lost' }
      : { ok: true };
  const other = await search('........', steps, { check: promise });
  expect(other.failures.map(({ state }) => state.epoch)).toEqual([1, 2]);
});
