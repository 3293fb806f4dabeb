import { describe, expect, it } from 'vitest';
import { deviceMutants } from './mutants/devices.ts';
import { filterMutants } from './mutants/filters.ts';
import { frontendMutants } from './mutants/frontends.ts';
import { tally } from './mutants/mutant.ts';
import { targetMutants } from './mutants/targets.ts';

const kinds = {
  device: deviceMutants,
  target: targetMutants,
  filter: filterMutants,
  frontend: frontendMutants,
};

for (const [kind, mutants] of Object.entries(kinds)) {
  describe(`a ${kind} that`, () => {
    for (const mutant of mutants) {
      it(`${mutant.fault} fails "${mutant.failing}"`, async () => {
        const sound = await tally(mutant, false);
        expect(sound.failed).toEqual([]);
        expect(sound.passed).toBeGreaterThan(0);
        const { failed } = await tally(mutant, true);
        expect(failed).not.toEqual([]);
      });
    }
  });
}
