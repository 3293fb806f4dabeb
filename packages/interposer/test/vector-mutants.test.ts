import { join } from 'node:path';
import { readVectors, type VectorCase } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { bundled } from '../../conformance/test/mutants/mutated-bundle.ts';
import { Deviations } from './deviations.ts';
import { FAULTS } from './vector-mutants/faults.ts';
import type * as player from './vector-mutants/player.ts';

const ENTRY = join(import.meta.dirname, 'vector-mutants/player.ts');
const TSCONFIG = join(import.meta.dirname, '../tsconfig.json');
const PACKAGES = join(import.meta.dirname, '../..');
const deviations = new Deviations();

/** Whether the vectors of a group tell; a player that throws or does not end has told, too. */
async function differs({ playVector, types }: typeof player, cases: readonly VectorCase[]): Promise<boolean> {
  for (const one of cases) {
    const difference = await playVector(one, types, deviations).catch((error: unknown) => error);
    if (difference !== undefined) return true;
  }
  return false;
}

it('vectors find nothing where nothing is wrong', async () => {
  const bundle = await bundled<typeof player>(ENTRY, TSCONFIG);
  const groups = [...new Set(FAULTS.map(({ group }) => group))];
  const found = [];
  for (const group of groups) if (await differs(bundle, readVectors(group).cases)) found.push(group);
  expect(found).toEqual([]);
});

// What a recording is worth: bugs that it finds.
describe('vectors find a target that', () => {
  it.each(FAULTS.map((one) => [one.fault, one] as const))('%s', async (_, { group, file, from, to }) => {
    const mutant = await bundled<typeof player>(ENTRY, TSCONFIG, { path: join(PACKAGES, file), from, to });
    expect(await differs(mutant, readVectors(group).cases)).toBe(true);
  });
});
