import { type Check, runCheck, type Verdict } from './check.ts';
import type { CrashState } from './crash-state.ts';
import type { Journal } from './journal.ts';

/** Verdicts on states; each content is checked once for the same promises. */
export class Verdicts {
  readonly #check: Check;
  readonly #timeout: number;
  readonly #journal: Journal | undefined;
  /** Those of this run, and those that are being found. */
  readonly #known = new Map<string, Promise<Verdict | undefined>>();
  /** How many came from the journal. */
  reused = 0;

  constructor(check: Check, timeout: number, journal: Journal | undefined) {
    this.#check = check;
    this.#timeout = timeout;
    this.#journal = journal;
  }

  /** Undefined where `control` was aborted, which gives the check up. */
  async of(state: CrashState, control: AbortController): Promise<Verdict | undefined> {
    const key = `${state.hash} ${String(state.selection.promised)}`;
    const known = await this.#known.get(key);
    // One that was given up for another asker is no answer.
    if (known !== undefined) return known;
    const found = this.#find(state, control);
    this.#known.set(key, found);
    const verdict = await found;
    if (verdict === undefined) this.#known.delete(key);
    return verdict;
  }

  async #find(state: CrashState, control: AbortController): Promise<Verdict | undefined> {
    const { hash, selection } = state;
    const recorded = this.#journal?.verdict(hash, selection.promised);
    if (recorded !== undefined) {
      this.reused++;
      return recorded;
    }
    const verdict = await runCheck(this.#check, state, this.#timeout, control);
    if (verdict !== undefined) await this.#journal?.record(hash, selection.promised, verdict);
    return verdict;
  }
}
