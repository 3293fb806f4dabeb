import { describe, expect, it } from 'vitest';
import { deviceMutants } from './mutants/devices.ts';
import { filterMutants } from './mutants/filters.ts';
import { frontendMutants } from './mutants/frontends.ts';
import { type Mutant, tally } from './mutants/mutant.ts';
import { targetMutants } from './mutants/targets.ts';

const kinds = {
  device: deviceMutants,
  target: targetMutants,
  filter: filterMutants,
  frontend: frontendMutants,
};

type Tally = ReturnType<typeof tally>;

/** How the originals fare in each case: many mutants share an original and a case. */
const originals = new Map<string, Tally>();

function original(kind: string, mutant: Mutant): Tally {
  const key = `${kind} ${mutant.failing}`;
  const known = originals.get(key) ?? tally(mutant, false);
  originals.set(key, known);
  return known;
}

for (const [kind, mutants] of Object.entries(kinds)) {
  describe(`a ${kind} that`, () => {
    for (const mutant of mutants) {
      it(`${mutant.fault} fails "${mutant.failing}"`, async () => {
        const sound = await original(kind, mutant);
        expect(sound.failed).toEqual([]);
        expect(sound.passed).toBeGreaterThan(0);
        const { failed } = await tally(mutant, true);
        expect(failed).not.toEqual([]);
      });
    }
  });
}
