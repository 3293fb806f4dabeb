import { CommandFailure } from '../failure.ts';

/** What a `dd` command line asks for. Sizes are bytes. */
export interface DdRequest {
  /** Absent: standard input. */
  readonly input?: string;
  /** Absent: standard output. */
  readonly output?: string;
  readonly blockSize: number;
  /** Blocks; absent: all there is. */
  readonly count?: number;
  /** Blocks to leave out at the start of the input. */
  readonly skip: number;
  /** Blocks to leave out at the start of the output. */
  readonly seek: number;
  readonly fsync: boolean;
  readonly notrunc: boolean;
  /** How much is reported at the end. */
  readonly status: 'all' | 'noxfer' | 'none';
}

const DEFAULT_BLOCK = 512;

/** One block is in memory at a time. */
const MAX_BLOCK = 2 ** 28;

/** The suffixes of GNU dd: powers of 1024 for one letter or with `iB`, of 1000 with `B`. */
const UNITS = units();

function units(): Readonly<Record<string, number>> {
  const table: Record<string, number> = { '': 1, c: 1, w: 2, b: 512, k: 1024, kiB: 1024, kB: 1000 };
  for (const [at, letter] of ['K', 'M', 'G', 'T', 'P'].entries()) {
    table[letter] = table[`${letter}iB`] = 1024 ** (at + 1);
    table[`${letter}B`] = 1000 ** (at + 1);
  }
  return table;
}

const KEYS = ['if', 'of', 'bs', 'count', 'skip', 'seek', 'conv', 'status'];

/** Reads the operands of `dd`, in its own words where they are wrong. */
export function parseDd(operands: readonly string[]): DdRequest {
  const given = new Map<string, string>();
  for (const operand of operands) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(operand) ?? [];
    if (!KEYS.includes(key)) throw ddFailure(`unrecognized operand '${operand}'`);
    given.set(key, value);
  }
  const blockSize = sizeOf(given.get('bs') ?? String(DEFAULT_BLOCK));
  if (blockSize === 0) throw ddFailure(`invalid number: '${given.get('bs') ?? ''}'`);
  if (blockSize > MAX_BLOCK)
    throw ddFailure(`bs=${given.get('bs') ?? ''} is more than ${String(MAX_BLOCK)} bytes`);
  const conversions = listOf(given.get('conv'));
  const unknown = conversions.find((word) => word !== 'fsync' && word !== 'notrunc');
  if (unknown !== undefined) throw ddFailure(`invalid conversion: '${unknown}'`);
  const [input, output, count] = [given.get('if'), given.get('of'), given.get('count')];
  return {
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...(count === undefined ? {} : { count: sizeOf(count) }),
    blockSize,
    skip: sizeOf(given.get('skip') ?? '0'),
    seek: sizeOf(given.get('seek') ?? '0'),
    fsync: conversions.includes('fsync'),
    notrunc: conversions.includes('notrunc'),
    status: statusOf(given.get('status') ?? 'all'),
  };
}

function statusOf(word: string): DdRequest['status'] {
  if (word === 'all' || word === 'none' || word === 'noxfer') return word;
  throw ddFailure(`invalid status level: '${word}'`);
}

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((word) => word !== '');
}

/** A number with a unit; `x` between several multiplies them. */
function sizeOf(text: string): number {
  const value = text.split('x').reduce((product, factor) => {
    const [, digits = '', unit = ''] = /^(\d+)([a-zA-Z]*)$/.exec(factor) ?? [];
    return product * (digits === '' || !Object.hasOwn(UNITS, unit) ? NaN : Number(digits) * UNITS[unit]!);
  }, 1);
  if (!Number.isSafeInteger(value)) throw ddFailure(`invalid number: '${text}'`);
  return value;
}

/** A failure as dd words it. */
export function ddFailure(text: string, cause?: unknown): CommandFailure {
  return new CommandFailure([`dd: ${text}`], { cause, closing: false });
}
