import { setTimeout as sleep } from 'node:timers/promises';
import process from 'node:process';
import type { Program, Surroundings } from './io.ts';
import { runCommandLine } from './run.ts';

/**
 * Runs the command line of this process: arguments as in `process.argv` from the third on, standard streams, signals.
 * Resolves to the exit code.
 */
export async function main(args: readonly string[], program: Program): Promise<number> {
  const ending = new Ending();
  // A reader that has seen enough, as in `interposer ls | head -1`, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const { stdin, stdout, stderr, env } = process;
  const around: Surroundings = {
    stdin,
    stdout,
    stderr,
    cwd: process.cwd(),
    env,
    sleep: async (milliseconds) => {
      await sleep(milliseconds);
    },
    get stop() {
      return ending.signal;
    },
  };
  try {
    return await runCommandLine(args, around, program);
  } finally {
    ending.forget();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Turns signals into an abort, from when somebody asks for it: what need not end in order dies of them as usual. */
class Ending {
  readonly #stop = new AbortController();
  #listening = false;

  get signal(): AbortSignal {
    if (!this.#listening) for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    this.#listening = true;
    return this.#stop.signal;
  }

  forget(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    // Who presses Ctrl-C again does not want to wait.
    if (this.#stop.signal.aborted && signal === 'SIGINT') process.exit(130);
    this.#stop.abort();
  };
}
