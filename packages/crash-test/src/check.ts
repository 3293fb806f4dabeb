import { fail } from '@interposer/core';
import type { CrashState } from './crash-state.ts';

/** The longest that a timer takes, in milliseconds; one that is to take longer runs out at once. */
const NO_LIMIT = 2 ** 31 - 1;

/** What a check says of a state. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly message: string };

/**
 * Looks whether a program can go on from a state with all that was promised. Should end soon when the signal is aborted. One
 * that rejects ends the search with its error: a check that does not work says nothing of the program.
 */
export type Check = (state: CrashState, signal: AbortSignal) => Promise<Verdict>;

/**
 * The verdict of a check; of one that takes longer than so many milliseconds, that it failed: `control` is then aborted.
 * Undefined when the search aborted `control`: its word does not count then, whatever it says.
 */
export async function runCheck(
  check: Check,
  state: CrashState,
  timeout: number,
  control: AbortController,
): Promise<Verdict | undefined> {
  const { signal } = control;
  const message = `the check did not end within ${String(timeout)} ms`;
  const late: Verdict = { ok: false, message };
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<Verdict | undefined>((resolve) => {
    timer = setTimeout(
      () => {
        // One that was given up and does not end is not waited for any longer either.
        resolve(signal.aborted ? undefined : late);
        control.abort(fail('ETIMEDOUT', message));
      },
      Math.min(timeout, NO_LIMIT),
    );
  });
  try {
    const verdict = await Promise.race([check(state, signal), timedOut]);
    return verdict === late || !signal.aborted ? verdict : undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
