import { afterEach, describe, expect, it } from 'vitest';
import { searchCrashStates, type SearchResult } from '../src/index.ts';
import { type Disks, open, type Step } from './logs.ts';
import { checkStore, EMPTY, storing } from './store.ts';

let disks: Disks | undefined;
afterEach(() => disks?.close());

async function search(steps: readonly Step[], trusting = false, jobs = 1): Promise<SearchResult> {
  disks = await open(EMPTY, steps);
  return searchCrashStates({ ...disks, jobs, check: (state) => checkStore(state, trusting) });
}

/** What a failure consists of, in short. */
function inShort({ failures }: SearchResult): unknown[] {
  return failures.map(({ state, message }) => ({
    epoch: state.epoch,
    kept: state.kept.map(({ entry, torn }) => (torn === undefined ? entry : [entry, torn])),
    lost: state.lost.map(({ entry }) => entry),
    promises: state.promises,
    message,
  }));
}

describe('a store that does all it must', () => {
  it.each([
    ['flushes', storing('abc', { barrier: true, flush: true })],
    ['FUA', storing('abc', { barrier: true, flush: true, fua: true })],
  ])('passes with %s', async (_, steps) => {
    const result = await search(steps);
    expect(inShort(result)).toEqual([]);
    expect(result).toMatchObject({ bounded: false, ended: 'complete' });
    expect(result.checked).toBeGreaterThan(8);
  });
});

describe('a store that forgets', () => {
  it('the flush before it promises: what it promised is lost when nothing is kept', async () => {
    const result = await search(storing('a', { barrier: true, flush: false }));
    expect(inShort(result)).toEqual([
      { epoch: 1, kept: [], lost: [2], promises: ['have a'], message: 'a was promised, nothing is there' },
    ]);
  });

  it('the barrier between value and record: the record alone is enough to fail', async () => {
    const result = await search(storing('ab', { barrier: false, flush: true }));
    expect(inShort(result)).toEqual([
      { epoch: 0, kept: [1], lost: [0], promises: [], message: 'a is not at 4' },
      { epoch: 1, kept: [5], lost: [4], promises: ['have a'], message: 'b is not at 5' },
    ]);
  });

  it('the barrier, with FUA: the record comes before the value it names', async () => {
    // In the order of a log: what FUA made stable, then what the flush covered.
    const steps: Step[] = [['fua', 0, 'aa'], ['mark', 'have a'], ['write', 4, 'a'], ['flush']];
    const result = await search(steps);
    expect(inShort(result)).toEqual([
      { epoch: 0, kept: [0], lost: [2], promises: ['have a'], message: 'a is not at 4' },
    ]);
  });

  it('to look at the checksum: a torn record is taken for a whole one', async () => {
    const result = await search(storing('a', { barrier: true, flush: true }), true);
    expect(inShort(result)).toEqual([
      {
        epoch: 1,
        kept: [[2, [{ sector: 0, count: 1 }]]],
        lost: [],
        promises: [],
        message: 'a has a torn record',
      },
    ]);
  });

  it('to look at the checksum of a record with FUA', async () => {
    const result = await search(storing('a', { barrier: true, flush: true, fua: true }), true);
    expect(inShort(result)).toEqual([
      {
        epoch: 1,
        kept: [[2, [{ sector: 0, count: 1 }]]],
        lost: [],
        promises: [],
        message: 'a has a torn record',
      },
    ]);
  });
});

describe('shrinking', () => {
  const many: Step[] = [
    ...Array.from({ length: 40 }, (_, index): Step => ['write', index, 'x']),
    ['write', 40, 'yyyyyy'],
    ['flush'],
  ];

  async function shrunk(fails: (letters: string) => boolean, jobs: number) {
    disks = await open('.'.repeat(64), many);
    const { failures, shrinking } = await searchCrashStates({
      ...disks,
      jobs,
      check: async (state) => {
        const data = await state.read(0, 64);
        const letters = Array.from({ length: 64 }, (_, sector) =>
          data[sector * 512] === 0 ? '.' : 'x',
        ).join('');
        return fails(letters) ? { ok: false, message: letters } : { ok: true };
      },
    });
    await disks.close();
    disks = undefined;
    return { kept: failures[0]!.state.kept.map(({ entry, torn }) => [entry, torn?.[0]?.count]), shrinking };
  }

  it.each([1, 4])('finds the three writes of 41 that it takes, and needs no tear: %i jobs', async (jobs) => {
    const { kept, shrinking } = await shrunk(
      (disk) => disk[3] === 'x' && disk[20] === 'x' && disk[44] === 'x',
      jobs,
    );
    expect(kept).toEqual([
      [3, undefined],
      [20, undefined],
      [40, undefined],
    ]);
    expect(shrinking).toBeLessThan(150);
  });

  it('keeps a tear that it takes', async () => {
    const { kept } = await shrunk((disk) => disk[3] === 'x' && disk[40] === 'x' && disk[45] === '.', 1);
    expect(kept.map(([entry]) => entry)).toEqual([3, 40]);
    expect(kept[0]?.[1]).toBeUndefined();
    expect(kept[1]?.[1]).toBeLessThan(6);
  });

  it('goes back along writes with FUA to the last one that it takes', async () => {
    const steps: Step[] = [['fua', 0, 'a'], ['mark', 'one'], ['fua', 1, 'b'], ['fua', 2, 'c'], ['flush']];
    disks = await open('........', steps);
    const { failures } = await searchCrashStates({
      ...disks,
      check: async (state) =>
        (await state.read(1, 1))[0] === 0 ? { ok: true } : { ok: false, message: 'there is a b' },
    });
    expect(failures[0]?.state.kept.map(({ entry }) => entry)).toEqual([0, 2]);
    expect(failures[0]?.state.promises).toEqual(['one']);
  });
});
