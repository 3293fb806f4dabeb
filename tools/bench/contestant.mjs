// @ts-check
/** Who takes part in a scenario. */

/** @typedef {import('./runner.mjs').Contestant} Contestant */

/**
 * One without runs, which is not started.
 *
 * @param {Contestant['name']} name
 * @param {Partial<Contestant>} given what differs from one that needs no preparing and no settling
 * @returns {Contestant}
 */
export function makeContestant(name, given) {
  return {
    name,
    runs: [],
    error: undefined,
    skipped: undefined,
    serverCommand: [],
    clientCommand: [],
    server: undefined,
    prepare: async () => {},
    settle: () => {},
    ...given,
  };
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
