import { asError, fail, type InterposerError, isInterposerError } from './errors.ts';
import {
  type ArgsOf,
  type ChoiceParam,
  describeParams,
  type NumberParam,
  type OptionsParam,
  type Param,
} from './params.ts';
import type { Claim, Port, PortOptions } from './port.ts';
import { parseSize } from './size.ts';

/** Opens a device argument; without a mode as the table or filter is. */
export type OpenDevice = (spec: string, claim: Claim, mode?: PortOptions['mode']) => Promise<Port>;

type Args = Record<string, unknown>;

/** A parameter that is one word. */
type SingleParam = Exclude<Param, { kind: 'repeat' | 'options' | 'rest' }>;

/** A device argument that is still a word: devices are opened when the whole line has proved to be sound. */
interface Unopened {
  readonly into: Args;
  readonly name: string;
  readonly spec: string;
  readonly claim: Claim;
  readonly mode: PortOptions['mode'] | undefined;
  /** What the message says before the reason where it cannot be opened. */
  readonly error: string;
}

/**
 * The words of a table line or a filter as the arguments its params table declares. All words are checked first, then the
 * devices are opened in order. `label` begins each message; `countError` replaces the text for a wrong number of words.
 */
export async function parseArgs(
  params: readonly Param[],
  words: readonly string[],
  open: OpenDevice,
  label: string,
  countError?: string,
): Promise<Args> {
  const parser = new ArgParser(params, words, label, countError);
  const args = parser.parse();
  for (const { into, name, spec, claim, mode, error } of parser.devices) {
    into[name] = await open(spec, claim, mode).catch((reason: unknown) => {
      const code = isInterposerError(reason) ? reason.code : 'EIO';
      throw fail(code, `${label}: ${error}: ${asError(reason).message}`, reason);
    });
  }
  return args;
}

/**
 * The words of a message as the `key=value` settings that a parameter declares, each at most once; none names a device. EINVAL
 * for what is no such word. `label` begins each message.
 */
export function parseSettings<const P extends OptionsParam>(
  param: P,
  words: readonly string[],
  label: string,
): ArgsOf<readonly [P]>[P['name']] {
  const args = new ArgParser([param], words, label, undefined).parse();
  return args[param.name] as ArgsOf<readonly [P]>[P['name']];
}

class ArgParser {
  readonly devices: Unopened[] = [];
  readonly #params: readonly Param[];
  readonly #words: readonly string[];
  readonly #label: string;
  readonly #countError: string | undefined;
  #at = 0;
  /** The words ended at an optional parameter: all that follow are left out with it. */
  #endedEarly = false;

  constructor(
    params: readonly Param[],
    words: readonly string[],
    label: string,
    countError: string | undefined,
  ) {
    this.#params = params;
    this.#words = words;
    this.#label = label;
    this.#countError = countError;
  }

  parse(): Args {
    const args: Args = {};
    this.#group(this.#params, args);
    if (this.#at < this.#words.length) throw this.#tooMany();
    return args;
  }

  #group(params: readonly Param[], args: Args): void {
    for (const param of params) {
      if (param.kind === 'repeat') this.#repeat(param, args);
      else if (param.kind === 'options') args[param.name] = this.#options(param);
      else if (param.kind === 'rest') args[param.name] = this.#left();
      else this.#single(param, params, args);
    }
  }

  #repeat(param: Param & { kind: 'repeat' }, args: Args): void {
    const times = args[param.times] as number;
    const missing = times * param.of.length > this.#words.length - this.#at;
    if (missing)
      throw this.#error(
        param,
        `not enough arguments: ${describeParams(param.of)} is needed ${String(times)} times`,
      );
    args[param.name] = Array.from({ length: times }, () => {
      const group: Args = {};
      this.#group(param.of, group);
      return group;
    });
  }

  #options(param: OptionsParam): Args {
    const given: Args = {};
    for (const word of this.#left()) {
      const [key = '', ...value] = word.split('=');
      const option = param.of.find(({ name }) => name === key);
      if (option === undefined || value.length === 0) {
        throw this.#error(param, `"${word}" is not one of ${describeParams([param])}`);
      }
      if (key in given) throw this.#error(param, `${key} is given twice`);
      given[key] = this.#value(option, value.join('='));
    }
    return given;
  }

  #left(): readonly string[] {
    const words = this.#words.slice(this.#at);
    this.#at = this.#words.length;
    return words;
  }

  #single(param: SingleParam, params: readonly Param[], args: Args): void {
    const word = this.#words[this.#at];
    if (word === undefined) {
      if (param.optional !== true && !this.#endedEarly) throw this.#wrongCount('not enough arguments');
      this.#endedEarly = true;
      args[param.name] = undefined;
      return;
    }
    this.#at++;
    if (param.kind === 'device') {
      this.devices.push({
        into: args,
        name: param.name,
        spec: word,
        claim: this.#claimFor(param.claim, params),
        mode: param.mode,
        error: param.error ?? 'Device lookup failed',
      });
      return;
    }
    args[param.name] = this.#value(param, word);
  }

  /** The claim stands behind the device it is about: looked up ahead. */
  #claimFor(claimName: string | undefined, params: readonly Param[]): Claim {
    const index = params.findIndex((param) => param.kind === 'claim' && param.name === claimName);
    const device = params.findIndex((param) => param.kind === 'device' && param.claim === claimName);
    if (index < 0) return 'exclusive';
    return this.#words[this.#at - 1 + index - device] === 'noexcl' ? 'noexcl' : 'exclusive';
  }

  #value(param: Exclude<SingleParam, { kind: 'device' }>, word: string): unknown {
    switch (param.kind) {
      case 'word':
        return word;
      case 'choice':
        return this.#choice(param, word);
      case 'claim':
        if (word !== 'excl' && word !== 'noexcl')
          throw this.#error(param, `"${word}" is neither excl nor noexcl`);
        return word === 'noexcl' ? 'noexcl' : 'exclusive';
      default:
        return this.#number(param, word);
    }
  }

  #choice(param: ChoiceParam, word: string): string {
    if (param.values.includes(word)) return word;
    throw this.#error(param, `"${word}" is not one of ${param.values.join(', ')}`);
  }

  #number(param: NumberParam, word: string): number {
    const value = param.kind === 'size' ? parseSize(word) : /^\d+$/.test(word) ? Number(word) : NaN;
    if (!Number.isSafeInteger(value)) {
      const suffixed = param.kind === 'size' ? ', or one with K, M, G or T' : '';
      throw this.#error(param, `"${word}" is not a whole decimal number up to 2^53-1${suffixed}`);
    }
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = param;
    if (value < min || value > max)
      throw this.#error(param, `${word} is not in ${String(min)}..${String(max)}`);
    return value;
  }

  #error(param: Param, detail: string): InterposerError {
    const text =
      param.error === undefined ? `${param.name}: ${detail}` : `${param.error} (${param.name}: ${detail})`;
    return fail('EINVAL', `${this.#label}: ${text}`);
  }

  /** Behind a group, words are too many for the number before it. */
  #tooMany(): InterposerError {
    const last = this.#params.at(-1);
    return last?.kind === 'repeat'
      ? this.#error(last, `too many arguments: ${describeParams([last])}`)
      : this.#wrongCount('too many arguments');
  }

  #wrongCount(detail: string): InterposerError {
    const text = this.#countError === undefined ? detail : `${this.#countError} (${detail})`;
    const grammar = this.#params.length === 0 ? 'none' : describeParams(this.#params);
    return fail(
      'EINVAL',
      `${this.#label}: ${text}; arguments: ${grammar}; given: ${String(this.#words.length)}`,
    );
  }
}
