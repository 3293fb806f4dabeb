import {
  asError,
  fail,
  type InterposerError,
  isInterposerError,
  type Port,
  type TargetContext,
} from '@interposer/core';

/** What happens at a corrupted block; `eio` where nothing is said. */
export type CorruptionMode = 'eio' | 'ignore_corruption' | 'restart_on_corruption' | 'panic_on_corruption';
/** What happens where a block cannot be read. */
export type ErrorMode = 'eio' | 'restart_on_error' | 'panic_on_error';

/** Parity, as the words say it. */
export interface FecWords {
  readonly port: Port;
  readonly roots: number;
  /** Blocks that it covers. */
  readonly blocks: number;
  /** Its first block on its device. */
  readonly start: number;
}

/** The optional words of a table line. */
export interface VerityOptions {
  readonly onCorruption: CorruptionMode;
  readonly onError: ErrorMode;
  readonly ignoreZeroBlocks: boolean;
  readonly checkAtMostOnce: boolean;
  /** Accepted and shown: there are no tasklets here, and blocks are verified at once wherever they can be. */
  readonly inTasklet: boolean;
  readonly fec: FecWords | undefined;
  /** Which signature the root hash must have. */
  readonly signature: string | undefined;
}

const CORRUPTION = ['ignore_corruption', 'restart_on_corruption', 'panic_on_corruption'] as const;
const ERRORS = ['restart_on_error', 'panic_on_error'] as const;
const FEC = ['use_fec_from_device', 'fec_blocks', 'fec_start', 'fec_roots'];
const SIGNATURE = 'root_hash_sig_key_desc';
const FLAGS = ['ignore_zero_blocks', 'check_at_most_once', 'try_verify_in_tasklet'];

const MIN_ROOTS = 2;
const MAX_ROOTS = 24;

/** The words before anything is opened. */
interface Given {
  readonly flags: Set<string>;
  readonly values: Map<string, string>;
}

/** Reads `[<#opt> <word>...]` and opens the device of the parity. Kernel: verity_parse_opt_args. */
export async function parseOptions(
  words: readonly string[],
  open: TargetContext['open'],
): Promise<VerityOptions> {
  const { flags, values } = sortWords(countedWords(words));
  return {
    onCorruption: onlyOne(CORRUPTION, flags),
    onError: onlyOne(ERRORS, flags),
    ignoreZeroBlocks: flags.has('ignore_zero_blocks'),
    checkAtMostOnce: flags.has('check_at_most_once'),
    inTasklet: flags.has('try_verify_in_tasklet'),
    fec: await openFec(values, open),
    signature: values.get(SIGNATURE),
  };
}

function countedWords([count, ...words]: readonly string[]): readonly string[] {
  if (count === undefined) return [];
  if (!/^\d+$/.test(count) || Number(count) !== words.length) {
    throw refusal(
      'Invalid number of feature args',
      `"${count}" is not how many words follow: ${String(words.length)}`,
    );
  }
  return words;
}

/** Words are the same in capitals. */
function sortWords(words: readonly string[]): Given {
  const given: Given = { flags: new Set(), values: new Map() };
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!.toLowerCase();
    if (FEC.includes(word) || word === SIGNATURE) takeValue(word, words[++at], given.values);
    else if ([...FLAGS, ...CORRUPTION, ...ERRORS].includes(word)) takeFlag(word, given.flags);
    else throw refusal('Unrecognized verity feature request', words[at]!);
  }
  return given;
}

function takeFlag(word: string, flags: Set<string>): void {
  const modes = [CORRUPTION, ERRORS].find((one) => (one as readonly string[]).includes(word));
  if (modes?.some((mode) => flags.has(mode)) === true)
    throw refusal('Conflicting error handling parameters', `one of ${modes.join(', ')}`);
  flags.add(word);
}

function takeValue(word: string, value: string | undefined, values: Map<string, string>): void {
  const isSignature = word === SIGNATURE;
  if (value === undefined) {
    throw isSignature
      ? refusal('DM Verity Sig Verification Signature key not specified', word)
      : refusal('FEC feature arguments require a value', word);
  }
  if (values.has(word) && isSignature)
    throw refusal('DM Verity Sig Verification root_hash_sig_key_desc already specified', value);
  if (values.has(word) && word === FEC[0]) throw refusal('FEC device already specified', value);
  values.set(word, value);
}

function onlyOne<const M extends string>(modes: readonly M[], flags: Set<string>): M | 'eio' {
  return modes.find((mode) => flags.has(mode)) ?? 'eio';
}

/** Without a device the other words of it are for nothing, as in the kernel. */
async function openFec(
  values: ReadonlyMap<string, string>,
  open: TargetContext['open'],
): Promise<FecWords | undefined> {
  const roots = numberOf('fec_roots', values, MIN_ROOTS, MAX_ROOTS);
  const blocks = numberOf('fec_blocks', values);
  const start = numberOf('fec_start', values) ?? 0;
  const device = values.get('use_fec_from_device');
  if (device === undefined) return undefined;
  if (roots === undefined) throw refusal('Missing fec_roots', 'FEC cannot do without');
  if (blocks === undefined || blocks === 0) throw refusal('Missing fec_blocks', 'FEC cannot do without');
  return { port: await openParity(device, open), roots, blocks, start };
}

async function openParity(device: string, open: TargetContext['open']): Promise<Port> {
  try {
    return await open(device, 'exclusive', 'read');
  } catch (error) {
    const reason = asError(error);
    throw fail(
      isInterposerError(error) ? error.code : 'EIO',
      `FEC device lookup failed: ${reason.message}`,
      error,
    );
  }
}

function numberOf(
  name: string,
  values: ReadonlyMap<string, string>,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const word = values.get(name);
  if (word === undefined) return undefined;
  const value = /^\d+$/.test(word) ? Number(word) : NaN;
  if (value >= min && value <= max) return value;
  throw refusal(`Invalid ${name}`, `"${word}" is no whole number in ${String(min)}..${String(max)}`);
}

/** The words again, in the order of the kernel; none where there are none. */
export function optionWords(options: VerityOptions): string[] {
  const { onCorruption, onError, fec, signature } = options;
  const words = [
    ...(onCorruption === 'eio' ? [] : [onCorruption]),
    ...(onError === 'eio' ? [] : [onError]),
    ...(options.ignoreZeroBlocks ? ['ignore_zero_blocks'] : []),
    ...(options.checkAtMostOnce ? ['check_at_most_once'] : []),
    ...(options.inTasklet ? ['try_verify_in_tasklet'] : []),
    ...(fec === undefined ? [] : fecWords(fec)),
    ...(signature === undefined ? [] : [SIGNATURE, signature]),
  ];
  return words.length === 0 ? [] : [String(words.length), ...words];
}

function fecWords({ port, roots, blocks, start }: FecWords): string[] {
  const numbers = [FEC[1]!, String(blocks), FEC[2]!, String(start), FEC[3]!, String(roots)];
  return [FEC[0]!, port.device.number, ...numbers];
}

/** In the kernel's words, then ours. */
export function refusal(text: string, detail: string): InterposerError {
  return fail('EINVAL', `${text} (${detail})`);
}

/** E2BIG with the text of the kernel: a device has no room for the tree or the parity. */
export function tooSmall(text: string, detail: string): InterposerError {
  return fail('E2BIG', `${text} (${detail})`);
}
