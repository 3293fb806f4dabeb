import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Random } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Check,
  loadFailure,
  type SearchOptions,
  type SearchResult,
  searchCrashStates,
  stateOf,
} from '../src/index.ts';
import { contentOf, type Disks, open, type Step } from './logs.ts';
import { checkStore, EMPTY, storing } from './store.ts';

// Two epochs that fail and two that do not.
const BASE = `${EMPTY}${EMPTY}`;

const STEPS: Step[] = [
  ...storing('ab', { barrier: false, flush: true }),
  ...Array.from({ length: 7 }, (_, index): Step => ['write', 8 + index, 'kl']),
  ['flush'],
];

let disks: Disks;
let folder: string;
beforeEach(async () => {
  disks = await open(BASE, STEPS);
  folder = await mkdtemp(join(tmpdir(), 'crash-test-'));
});
afterEach(async () => {
  await disks.close();
  await rm(folder, { recursive: true });
});

/** The same for the same search, whatever it took. */
function lasting({ epochs, failures, seconds: _, reused: __, ...rest }: SearchResult): unknown {
  return {
    ...rest,
    epochs: epochs.map(({ seconds: ___, failure: ____, ...its }) => its),
    failures: failures.map(({ state, found, message }) => ({
      state: [state.id, state.kept, state.lost, state.promises],
      found: found.id,
      message,
    })),
  };
}

function search(more: Partial<SearchOptions> = {}): Promise<SearchResult> {
  return searchCrashStates({ ...disks, check: (state) => checkStore(state), perEpoch: 60, ...more });
}

describe('the same search', () => {
  it('gives the same result again, however many checks run at a time and in whatever order they end', async () => {
    const once = await search();
    expect(once.failures).toHaveLength(2);
    for (const jobs of [2, 3, 8]) {
      const random = new Random(jobs);
      const check: Check = async (state) => {
        for (let turns = random.below(6); turns > 0; turns--) await setImmediate();
        return checkStore(state);
      };
      expect(lasting(await search({ jobs, check }))).toEqual(lasting(once));
    }
  });

  it('makes other random states with another seed', async () => {
    const ids = async (seed: number): Promise<string[]> => {
      const found: string[] = [];
      const check: Check = async ({ id }) => {
        found.push(id);
        return { ok: true };
      };
      await search({ seed, check, exhaustive: 0 });
      return found;
    };
    expect(await ids(1)).toEqual(await ids(1));
    expect(await ids(1)).not.toEqual(await ids(2));
  });
});

describe('a results folder', () => {
  /** Tells which states were checked. */
  function counting(): { readonly check: Check; readonly checked: string[] } {
    const checked: string[] = [];
    const check: Check = async (state) => {
      checked.push(`${state.hash} ${String(state.promises.length)}`);
      return checkStore(state);
    };
    return { check, checked };
  }

  /** The states that a folder has verdicts of. */
  async function recordedIn(results: string): Promise<string[]> {
    const [, ...lines] = (await readFile(join(results, 'verdicts.jsonl'), 'utf8')).trimEnd().split('\n');
    return lines.map((line) => {
      const { state, promised } = JSON.parse(line) as { state: string; promised: number };
      return `${state} ${String(promised)}`;
    });
  }

  it.each([1, 3])(
    'a search that is broken off anywhere is continued, and checks nothing twice: %i jobs',
    async (jobs) => {
      const whole = await search();
      for (const after of [0, 1, 2, 5, 8, 13, 21, 34, 55]) {
        const results = join(folder, String(after));
        const { check, checked } = counting();
        const control = new AbortController();
        if (after === 0) control.abort();
        const breaking: Check = async (state, signal) => {
          const verdict = await check(state, signal);
          if (checked.length >= after) control.abort();
          return verdict;
        };
        const first = await search({ jobs, check: breaking, folder: results, signal: control.signal });
        expect(first.ended).toBe('aborted');

        const recorded = await recordedIn(results);
        expect(recorded.length).toBeGreaterThanOrEqual(after - jobs);
        checked.length = 0;
        const second = await search({ jobs, check, folder: results });
        expect(lasting(second)).toEqual(lasting(whole));
        expect(checked.filter((key) => recorded.includes(key))).toEqual([]);
        expect(new Set(checked).size).toBe(checked.length);

        const third = await search({ jobs: 1, check: () => expect.unreachable(), folder: results });
        expect(lasting(third)).toEqual(lasting(whole));
        expect(third.reused).toBeGreaterThanOrEqual(third.checked);
      }
    },
  );

  it('may end in the middle of a line', async () => {
    const { check, checked } = counting();
    const whole = await search({ check, folder });
    const all = checked.length;
    const path = join(folder, 'verdicts.jsonl');
    const text = await readFile(path, 'utf8');
    for (const cut of [1, 10, 200]) {
      await writeFile(path, text);
      await truncate(path, text.length - cut);
      checked.length = 0;
      expect(lasting(await search({ check, folder }))).toEqual(lasting(whole));
      expect(checked).toHaveLength(text.slice(-cut).split('\n').length - 1);
    }
    await truncate(path, 10);
    checked.length = 0;
    await search({ check, folder });
    expect(checked).toHaveLength(all);
    expect(await readFile(path, 'utf8')).toHaveLength(text.length);
  });

  it.each([
    ['another check', { checkText: 'another' }, 'another check'],
    ['another unit', { unit: 1024 }, 'another unit of tears'],
  ])('refuses %s', async (_, more, what) => {
    await search({ folder });
    await expect(search({ folder, ...more })).rejects.toMatchObject({
      code: 'EEXIST',
      message: `${join(folder, 'verdicts.jsonl')} has the verdicts of ${what}: use another folder, or remove it to begin again`,
    });
  });

  it('refuses another log and another base', async () => {
    await search({ folder });
    const other = await open(BASE, STEPS.slice(1));
    await expect(search({ folder, log: other.log })).rejects.toMatchObject({ code: 'EEXIST' });
    await other.close();
    const changed = await open('......z.........', STEPS);
    await expect(search({ folder, base: changed.base })).rejects.toMatchObject({ code: 'EEXIST' });
    await changed.close();
  });

  it.each([
    ['no verdicts', '{"format":"something"}\n', 'holds no verdicts of a crash test'],
    ['a header that cannot be read', 'hello\n', 'is damaged: line 1 cannot be read'],
    ['a null', 'null\n', 'is damaged: line 1 cannot be read'],
  ])('refuses %s', async (_, text, message) => {
    await writeFile(join(folder, 'verdicts.jsonl'), text);
    const tried = search({ folder });
    await expect(tried).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(tried).rejects.toThrow(message);
  });

  it('refuses a damaged line, and a folder that cannot be', async () => {
    await search({ folder });
    await appendFile(join(folder, 'verdicts.jsonl'), '{"state":1,"promised":2}\n');
    await expect(search({ folder })).rejects.toMatchObject({ code: 'EINVAL' });
    await writeFile(join(folder, 'file'), '');
    await expect(search({ folder: join(folder, 'file') })).rejects.toMatchObject({ code: 'EEXIST' });
  });
});

describe('a failure file', () => {
  it('gives the very state back', async () => {
    const { failures } = await search({ folder });
    const files = (await readdir(folder)).filter((name) => name.startsWith('failure-'));
    expect(files.map((name) => join(folder, name)).sort()).toEqual(failures.map(({ file }) => file).sort());
    for (const { state, message, file } of failures) {
      const failure = await loadFailure(file!);
      expect(failure).toMatchObject({ id: state.id, message, epoch: state.epoch, promises: state.promises });
      const again = await stateOf(failure, disks.base, disks.log);
      expect([again.id, again.hash, again.kept, again.lost, again.promises]).toEqual([
        state.id,
        state.hash,
        state.kept,
        state.lost,
        state.promises,
      ]);
      expect(await contentOf(again)).toBe(await contentOf(state));
      expect(await checkStore(again)).toEqual({ ok: false, message });
    }
  });

  it('keeps tears', async () => {
    const check: Check = async (state) =>
      state.kept.some(({ torn }) => torn !== undefined) && state.epoch === 1
        ? { ok: false, message: 'torn' }
        : { ok: true };
    const { failures } = await search({ folder, check });
    const state = await stateOf(await loadFailure(failures[0]!.file!), disks.base, disks.log);
    expect(state.kept).toEqual(failures[0]!.state.kept);
    expect(state.kept[0]?.torn).toHaveLength(1);
  });

  it('is of its log and base only, and as it was', async () => {
    const { failures } = await search({ folder });
    const failure = await loadFailure(failures[0]!.file!);
    const other = await open('z...............', STEPS.slice(0, 4));
    await expect(stateOf(failure, disks.base, other.log)).rejects.toThrow(
      'memory:log is not the log of this failure, which was called memory:log',
    );
    await expect(stateOf(failure, other.base, disks.log)).rejects.toThrow(
      'memory:base is not the base of this',
    );
    for (const changed of [{ kept: [] }, { epoch: 9 }, { promises: ['other'] }])
      await expect(stateOf({ ...failure, ...changed }, disks.base, disks.log)).rejects.toThrow(
        'cannot be made again: the file was changed',
      );
    await other.close();
  });

  it.each([
    ['is not JSON', 'hello'],
    ['is a list', '[]'],
    ['has another version', '{"format":"interposer-crash-failure","version":2}'],
  ])('that %s is refused', async (_, text) => {
    const path = join(folder, 'failure.json');
    await writeFile(path, text);
    await expect(loadFailure(path)).rejects.toMatchObject({
      code: 'EINVAL',
      message: `${path} is no failure of a crash test that is known here`,
    });
    await expect(loadFailure(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
