import { fail } from '@interposer/core';
import type { CrashState, Verdict } from '@interposer/crash-test';
import { Interruption } from './interruption.ts';
import type { Presenter } from './presenter.ts';
import type { Settings } from './settings.ts';
import { endOf, runShell, type ShellResult } from './shell-command.ts';

/** Seconds that a check may take unless the user says otherwise. */
const TIMEOUT = 60;

/** What sh answers for a command that it cannot run, or does not find. POSIX: Shell Command Language, 2.8.2. */
const CANNOT_RUN = 126;
const NOT_FOUND = 127;

/** What checks run with. */
export interface CheckerContext {
  readonly presenter: Presenter;
  readonly userEnv: Readonly<Record<string, string | undefined>>;
  readonly onOutput?: (text: Uint8Array) => void;
}

/** Runs the user's check on states. */
export class Checker {
  readonly #settings: Settings;
  readonly #context: CheckerContext;
  readonly #running = new Set<Promise<unknown>>();

  constructor(settings: Settings, context: CheckerContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** Whether a state survives. ENOENT and EACCES if the command cannot be run: that is no verdict, nor is one that was ended. */
  async verdict(state: CrashState, stop: AbortSignal): Promise<Verdict> {
    const { check, timeout = TIMEOUT } = this.#settings;
    const result = await this.run(state, stop, timeout);
    const { code, timedOut, tail } = result;
    if (stop.aborted) throw new Interruption('');
    if (code === 0 && !timedOut) return { ok: true };
    if (!timedOut && (code === CANNOT_RUN || code === NOT_FOUND)) throw cannotRun(check, result);
    const how = timedOut ? `timed out after ${String(timeout)} s` : endOf(result);
    return { ok: false, message: tail === '' ? how : `${how}: ${tail}` };
  }

  /** Runs the check; within so many seconds, if given. */
  async run(state: CrashState, stop: AbortSignal, timeout?: number): Promise<ShellResult> {
    const { check, cwd } = this.#settings;
    const { presenter, userEnv, onOutput } = this.#context;
    const running = presenter.show(state, (stage) =>
      runShell({
        command: check,
        cwd: stage.cwd,
        env: { ...stage.env, INTERPOSER_CWD: cwd },
        userEnv,
        stop,
        ...(timeout === undefined ? {} : { timeout: timeout * 1000 }),
        ...(onOutput === undefined ? {} : { onOutput }),
      }),
    );
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits until no check runs any more, and all that was made for them is gone. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}

function cannotRun(check: string, { code, tail }: ShellResult): Error {
  const said = tail === '' ? '' : `:\n${tail}`;
  return fail(
    code === NOT_FOUND ? 'ENOENT' : 'EACCES',
    `the check "${check}" cannot be run, exit code ${String(code)}; it runs in an empty folder, ` +
      `and $INTERPOSER_CWD is the one you are in${said}`,
  );
}
