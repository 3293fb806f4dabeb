import { type CrashState, searchCrashStates, type SearchOptions } from '../src/index.ts';

/** All states that a search checks, in its order. */
export async function statesOf(
  disks: Pick<SearchOptions, 'base' | 'log'>,
  more: Partial<SearchOptions> = {},
): Promise<CrashState[]> {
  const states: CrashState[] = [];
  await searchCrashStates({
    base: disks.base,
    log: disks.log,
    ...more,
    check: async (state) => {
      states.push(state);
      return { ok: true };
    },
  });
  return states;
}
