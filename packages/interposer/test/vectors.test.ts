import { playVector, readVectors, vectorGroups } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { allTypes } from '../src/index.ts';
import { Deviations } from './deviations.ts';

// What a real kernel did with some ten thousand steps (tools/kernel-vectors), on all types of the bundle.
const deviations = new Deviations();
const files = vectorGroups().map((group) => [group, readVectors(group)] as const);
const cases = files.flatMap(([, file]) => file.cases);

for (const [group, { cases: own, kernel }] of files) {
  describe(`${group} of Linux ${kernel}`, () => {
    it.each(own.map((one) => [one.name, one] as const))('%s', async (_, one) => {
      expect(await playVector(one, allTypes, deviations)).toBeUndefined();
    });
  });
}

it('differs in each row of the page of deviations', () => {
  expect(deviations.count).toBeGreaterThan(0);
  expect(deviations.unmet()).toEqual([]);
});

it('has a thousand cases, and a hundred and fifty in which something is refused', () => {
  const refused = cases.filter(({ steps }) =>
    steps.some(
      ([step, seen]) =>
        /^(create|load|message|rename|resume|write|read)/.test(step) && /^E[A-Z0-9]+$/.test(seen),
    ),
  );
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(cases.length).toBeGreaterThanOrEqual(1000);
  expect(refused.length).toBeGreaterThanOrEqual(150);
});

it('has every type of the kernel that is here', () => {
  const words = cases.flatMap(({ steps }) =>
    steps.flatMap(([step]) => step.split(' / ').map((row) => row.split(' '))),
  );
  const used = new Set(words.flat());
  const types = ['linear', 'striped', 'zero', 'error', 'delay', 'flakey', 'dust', 'mirror', 'snapshot'];
  const others = ['snapshot-origin', 'snapshot-merge', 'crypt', 'verity', 'log-writes'];
  expect([...types, ...others].filter((type) => !used.has(type))).toEqual([]);
});
