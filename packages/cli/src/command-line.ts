import { findOption, type OptionSpec } from './options.ts';

/** A command line that cannot be read; the message is complete lines for standard error. */
export class UsageError extends Error {}

/** What was given: options by name, and the words in between. */
export interface CommandLine {
  readonly options: Options;
  readonly words: readonly string[];
}

/** The options of a command line. */
export class Options {
  readonly #given = new Map<string, string[]>();

  /** Names of those that were given. */
  names(): string[] {
    return [...this.#given.keys()];
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  /** The value that was given last. */
  get(name: string): string | undefined {
    return this.#given.get(name)?.at(-1);
  }

  /** Every value that was given. */
  all(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  add(name: string, value: string): void {
    this.#given.set(name, [...this.all(name), value]);
  }
}

/** Reads a command line as getopt_long does: options and words in any order, `--` before words that begin with a dash. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const options = new Options();
  const words: string[] = [];
  const rest = [...args];
  while (rest.length > 0) {
    const arg = rest.shift()!;
    if (arg === '--') words.push(...rest.splice(0));
    else if (arg.startsWith('--')) long(arg.slice(2), rest, options);
    else if (arg.startsWith('-') && arg !== '-') short(arg.slice(1), rest, options);
    else words.push(arg);
  }
  return { options, words };
}

function long(text: string, rest: string[], options: Options): void {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const option = findOption(name, false);
  if (option === undefined) throw unrecognized(`unrecognized option '--${text}'`);
  if (option.value === undefined) {
    if (equals >= 0) throw unrecognized(`option '--${name}' doesn't allow an argument`);
    options.add(name, '');
  } else {
    const value = equals < 0 ? rest.shift() : text.slice(equals + 1);
    if (value === undefined) throw unrecognized(`option '--${name}' requires an argument`);
    options.add(name, value);
  }
}

/** Letters may stand together; the value of one stands behind it or is the next argument. */
function short(letters: string, rest: string[], options: Options): void {
  for (let at = 0; at < letters.length; at++) {
    const option = shortOption(letters[at]!);
    if (option.value === undefined) {
      options.add(option.name, '');
      continue;
    }
    const value = at + 1 < letters.length ? letters.slice(at + 1) : rest.shift();
    if (value === undefined) throw unrecognized(`option requires an argument -- '${letters[at]!}'`);
    options.add(option.name, value);
    return;
  }
}

function shortOption(letter: string): OptionSpec {
  const option = findOption(letter, true);
  if (option === undefined) throw unrecognized(`invalid option -- '${letter}'`);
  return option;
}

/** As getopt and dmsetup word it. */
export function unrecognized(what: string): UsageError {
  return new UsageError(`interposer: ${what}\nCouldn't process command line.\n`);
}
