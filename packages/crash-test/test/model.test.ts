import { Random } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type Check, searchCrashStates } from '../src/index.ts';
import { contentOf, type Disks, open, type Step } from './logs.ts';
import { possibleStates } from './model.ts';

const SECTORS = 8;
const UNBOUNDED = { exhaustive: Infinity, perEpoch: Infinity, states: Infinity };

let disks: Disks | undefined;
afterEach(() => disks?.close());

/** A history of few writes to few sectors, in the order in which the target logs them. */
function randomSteps(random: Random): Step[] {
  const steps: Step[] = [];
  let mark = 0;
  for (let epoch = random.between(1, 3); epoch > 0; epoch--) {
    for (let left = random.below(3); left > 0; left--) {
      if (random.chance(0.5)) steps.push(['mark', `m${String(mark++)}`]);
      if (random.chance(0.7)) steps.push(randomWrite(random, 'fua', 2));
    }
    if (random.chance(0.5)) steps.push(['mark', `m${String(mark++)}`]);
    for (let left = random.below(5); left > 0; left--) {
      const sector = random.below(SECTORS);
      if (random.chance(0.2))
        steps.push(['discard', sector, random.between(1, Math.min(4, SECTORS - sector))]);
      else steps.push(randomWrite(random, 'write', 4));
    }
    steps.push(random.chance(0.8) || epoch > 1 ? ['flush'] : ['mark', 'dm-log-writes-end']);
  }
  return steps;
}

/** Few letters, so that the same contents come about in several ways. */
function randomWrite(random: Random, op: 'write' | 'fua', most: number): Step {
  const sector = random.below(SECTORS);
  const count = random.between(1, Math.min(most, SECTORS - sector));
  return [op, sector, Array.from({ length: count }, () => random.pick(['a', 'b', 'c', '.'])).join('')];
}

/** Passes everything; tells what it was asked, by content and number of promises, and which hashes contents had. */
function watching() {
  const asked = new Map<string, number[]>();
  const hashes = new Map<string, string>();
  const check: Check = async (state) => {
    const content = await contentOf(state);
    asked.set(content, [...(asked.get(content) ?? []), state.promises.length]);
    if (hashes.has(content)) expect(hashes.get(content)).toBe(state.hash);
    hashes.set(content, state.hash);
    return { ok: true };
  };
  return { asked, hashes, check };
}

describe.each([1, 2, 4])('blocks of %i sectors that the disk writes whole', (unit) => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'without bounds the search visits what could have been, all of it and nothing else: seed %i',
    async (seed) => {
      const steps = randomSteps(new Random(seed));
      const base = 'ab.c..a.';
      disks = await open(base, steps);
      const { asked, hashes, check } = watching();
      const result = await searchCrashStates({ ...disks, ...UNBOUNDED, check, unit: unit * 512, jobs: 3 });

      const possible = possibleStates(base, steps, unit);
      const story = JSON.stringify(steps);
      expect([...asked.keys()].sort(), story).toEqual([...possible.keys()].sort());
      for (const [content, promised] of asked) {
        const could = possible.get(content)!;
        expect(
          promised.every((count) => could.has(count)),
          `${content} of ${story}`,
        ).toBe(true);
        expect(Math.max(...promised), `${content} of ${story}`).toBe(Math.max(...could));
      }
      expect(new Set(hashes.values()).size).toBe(hashes.size);
      expect(result).toMatchObject({ failures: [], bounded: false, ended: 'complete' });
      expect(result.explored).toBe(result.epochs.reduce((sum, { space }) => sum + space, 0));
      expect(result.checked).toBe([...asked.values()].flat().length);
    },
  );
});

it('bounds leave states out, and make none that could not have been', async () => {
  for (let seed = 100; seed < 120; seed++) {
    const steps = randomSteps(new Random(seed));
    disks = await open('........', steps);
    const { asked, check } = watching();
    const result = await searchCrashStates({
      ...disks,
      check,
      exhaustive: 1,
      perEpoch: 12,
      states: 30,
      seed,
    });
    await disks.close();
    const possible = possibleStates('........', steps, 1);
    for (const [content, promised] of asked)
      expect(
        promised.every((count) => possible.get(content)?.has(count)),
        JSON.stringify(steps),
      ).toBe(true);
    expect(result.explored).toBeLessThanOrEqual(30);
    expect(result.epochs.every(({ explored }) => explored <= 12)).toBe(true);
    expect(result.bounded).toBe(result.epochs.some(({ explored, space }) => explored < space));
  }
  disks = undefined;
});
