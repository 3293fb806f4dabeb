import process from 'node:process';
import { Random } from '@interposer/core';
import { expect } from 'vitest';
import { type CrashState, crashStates } from './crash-states.ts';
import type { CrashTape } from './crash-tape.ts';

/** States of a run that are looked at. */
const STATES = Number(process.env.INTERPOSER_CRASH_STATES ?? '80');

/** Runs of each kind. */
export const RUNS: readonly number[] = Array.from(
  { length: Number(process.env.INTERPOSER_CRASH_RUNS ?? '1') },
  (_, index) => index + 1,
);

/** Milliseconds that a search may take, on a busy machine. */
export const SEARCH_TIME: number = 30_000 + 200 * STATES;

/** Looks at disks that a power cut during a run could have left, or during its first events; the first on which the check throws is told. */
export async function search(
  tape: CrashTape,
  seed: number,
  check: (state: CrashState) => Promise<void>,
  events: number = tape.events.length,
): Promise<void> {
  let states = 0;
  for (const state of crashStates(tape, new Random(seed), STATES, events)) {
    states++;
    await check(state).catch((error: unknown) => {
      const last = JSON.stringify(tape.toldBefore(state.length).slice(-5));
      expect.fail(
        `${String(error)}, after a power cut at event ${String(state.length)} of ${String(tape.events.length)}, behind ${last}`,
      );
    });
  }
  expect(states).toBeGreaterThan(Math.min(20, events / 5));
}
