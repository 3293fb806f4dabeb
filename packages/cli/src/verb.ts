import type { Options } from './command-line.ts';
import type { Program, Surroundings } from './io.ts';
import type { RemoteService } from './daemon/remote.ts';

/** A command with its text: `interposer create ...` and what it does. */
export interface Example {
  readonly command: string;
  readonly about: string;
}

/** One verb of the command line. The table of verbs drives parsing, help, completion and the documentation. */
export interface Verb {
  /** One word, or two: `filter attach`. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Whether it is one of dmsetup's, with its options, output and exit codes. */
  readonly dmsetup?: boolean;
  /** What stands behind the name, e.g. `NAME [TABLE_FILE|TABLE]`. */
  readonly operands: string;
  /** Fewest and most operands; more or fewer: `Incorrect number of arguments.` */
  readonly count: readonly [least: number, most: number];
  /** One line. */
  readonly summary: string;
  /** The whole story, in sentences. */
  readonly about?: string;
  /** Names of the options that matter to it. */
  readonly options: readonly string[];
  readonly examples: readonly Example[];
  /** Does it; resolves to the exit code, 0 if nothing. Throws CommandFailure or an InterposerError. */
  run(command: Command): Promise<number | undefined>;
}

/** A verb with what it was given and what it works with. */
export interface Command {
  readonly verb: Verb;
  readonly operands: readonly string[];
  readonly options: Options;
  readonly around: Surroundings;
  readonly program: Program;
  /** The daemon, started if there is none; `undefined` with `start: false` if there is none. */
  service(): Promise<RemoteService>;
  runningService(): Promise<RemoteService | undefined>;
  /** Writes text to standard output. */
  print(text: string): void;
  /** With `--json` writes the value; otherwise calls for the text. */
  show(value: unknown, text: () => string): void;
}

/** Many operands. */
export const ANY: number = Infinity;
