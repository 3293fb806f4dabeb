import { join } from 'node:path';
import { afterEach, beforeAll } from 'vitest';
import { buildProgram, type Ended, Running } from './program.ts';
import { tempDirectory } from './temp.ts';

/** Where and with what a program runs; in the directory of the test by default. */
export interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** The program as users have it, with a directory and a control socket of its own. */
export interface Installed {
  readonly directory: string;
  readonly socket: string;
  start(args: readonly string[], options?: RunOptions): Running;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** What a command that worked and had nothing to say leaves behind. */
export const quiet: Ended = { code: 0, stdout: '', stderr: '' };

/** Builds the program before the tests of a file, and ends its daemon after each. */
export function installProgram(): Installed {
  const directory = tempDirectory();
  const socket = join(directory, 'run', 'control.sock');
  let script: string;
  const start = (args: readonly string[], options: RunOptions = {}): Running => {
    const env = { PATH: process.env.PATH, TMPDIR: directory, INTERPOSER_SOCKET: socket, ...options.env };
    const stdin = options.stdin === undefined ? {} : { stdin: options.stdin };
    return new Running(script, args, { cwd: options.cwd ?? directory, env, ...stdin });
  };
  const run = (args: readonly string[], options?: RunOptions): Promise<Ended> => start(args, options).ended;
  beforeAll(async () => {
    script = await buildProgram(join(directory, 'program'));
  });
  afterEach(async () => {
    await run(['shutdown']);
  });
  return { directory, socket, start, run };
}
