import { beforeAll, describe, expect, it } from 'vitest';
import { type CaseResult, collect, coreSuite } from '../src/index.ts';
import { arrivalMutations } from './mutants/core/arrival.ts';
import { contractTable } from './contract-table.ts';
import { pathMutations } from './mutants/core/path.ts';
import { editMutations } from './mutants/core/edits.ts';
import { faultMutations } from './mutants/core/faults.ts';
import { kitOver } from './mutants/core/mutated-core.ts';
import type { Mutation } from './mutants/core/mutation.ts';
import { ruleMutations } from './mutants/core/rules.ts';

const mutations: readonly Mutation[] = [
  ...editMutations,
  ...pathMutations,
  ...arrivalMutations,
  ...ruleMutations,
  ...faultMutations,
];

describe('a core that', () => {
  let sound: readonly CaseResult[];

  beforeAll(async () => {
    const wanted = new Set(mutations.map(({ failing }) => failing));
    const kit = await kitOver();
    sound = await kit.collect(kit.coreSuite, { match: (name) => wanted.has(caseOf(name)) });
  });

  for (const mutation of mutations) {
    const { fault, failing } = mutation;
    it(`${fault} fails "${failing}"`, async () => {
      const before = sound.filter(({ name }) => caseOf(name) === failing);
      expect(before.map(({ outcome }) => outcome)).toContain('passed');
      expect(before.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      const kit = await kitOver(mutation);
      const after = await kit.collect(kit.coreSuite, { match: (name) => caseOf(name) === failing });
      expect(after.map(({ outcome }) => outcome)).toContain('failed');
    });
  }
});

describe('the contract', () => {
  const cases = new Set<string>();

  beforeAll(async () => {
    await collect(coreSuite, {
      match: (name) => {
        cases.add(caseOf(name));
        return false;
      },
    });
  });

  it('has a case and a mutant for each of its points', () => {
    const all = Array.from({ length: 16 }, (_, i) => i + 1);
    expect(pointsOf([...cases])).toEqual(all);
    expect(pointsOf(mutations.map(({ failing }) => failing))).toEqual(all);
  });

  it('is documented as it is', async () => {
    await expect(contractTable([...cases], mutations)).toMatchFileSnapshot('../contract.md');
  });
});

/** Which points names of cases begin with, in order. */
function pointsOf(names: readonly string[]): number[] {
  const points = names.map((name) => Number(/^contract (\d+): /.exec(name)?.[1]));
  return [...new Set(points)].sort((a, b) => a - b);
}

/** `core > a disk > contract 1: ...` without what stands before. */
function caseOf(name: string): string {
  return name.slice(name.lastIndexOf(' > ') + 3);
}
