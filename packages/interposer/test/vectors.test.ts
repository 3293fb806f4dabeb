import { playVector, readVectors, vectorGroups } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { allTypes } from '../src/index.ts';
import { deviations } from './deviations.ts';

// What a real kernel did with some thousand steps (tools/kernel-vectors), on all types of the bundle.
const known = deviations();
const met = new Set<string>();

for (const group of vectorGroups()) {
  const { cases, kernel } = readVectors(group);
  describe(`${group} of Linux ${kernel}`, () => {
    it.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
      const difference = await playVector(one, allTypes);
      const deviation = known.get(one.name);
      if (deviation !== undefined) met.add(one.name);
      expect(difference).toEqual(deviation === undefined ? undefined : expect.objectContaining(deviation));
    });
  });
}

it('differs in each case of the page of deviations', () => {
  expect([...known.keys()].filter((name) => !met.has(name))).toEqual([]);
});
