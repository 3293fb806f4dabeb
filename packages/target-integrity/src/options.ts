import { fail, SECTOR_SIZE } from '@interposer/core';

const MODES = ['J', 'B', 'D', 'R', 'I'] as const;

/** How data is written: J with a journal, D directly, R not at all. */
export type Mode = 'J' | 'D' | 'R';

/** The kernel's bound for the number of options, and for the bytes of a tag. */
const MOST_OPTIONS = 18;
const MOST_TAG = 255;

const LEAST_INTERLEAVE = 8;
const LARGEST_INTERLEAVE = 2 ** 31;
const DEFAULT_INTERLEAVE = 32768;
const DEFAULT_BUFFER = 128;
const LARGEST_BUFFER = 2 ** 22;
const DEFAULT_WATERMARK = 50;
const DEFAULT_COMMIT_TIME = 10000;
const LARGEST_BLOCK = 4096;

const NUMBERS = [
  'block_size',
  'journal_sectors',
  'interleave_sectors',
  'buffer_sectors',
  'journal_watermark',
  'commit_time',
];
const FLAGS = ['fix_padding', 'fix_hmac', 'legacy_recalculate'];
/** What belongs to a mode that is refused. */
const UNUSED = ['sectors_per_bit', 'bitmap_flush_interval'];
/** What the kernel has, and this package has not. */
const MISSING = [
  'internal_hash',
  'journal_crypt',
  'journal_mac',
  'meta_device',
  'recalculate',
  'reset_recalculate',
  'allow_discards',
];

/** The options of a table line. */
export interface IntegrityOptions {
  readonly blockSectors: number;
  /** Wanted for a device that is to be formatted; undefined: the default. */
  readonly journalSectors: number | undefined;
  readonly interleave: number;
  readonly bufferSectors: number;
  /** Percent of the journal that may be full until it is written to its place. */
  readonly watermark: number;
  /** Milliseconds until what was written is made stable. */
  readonly commitTime: number;
  readonly fixPadding: boolean;
  readonly legacyRecalculate: boolean;
}

/** `-` is the size of the digest of a hash, and there is none. */
export function readTagSize(word: string): number {
  if (word === '-') throw fail('EINVAL', 'Unknown tag size: "-" is that of internal_hash, and there is none');
  const size = /^\d{1,9}$/.test(word) ? Number(word) : 0;
  if (size === 0) throw fail('EINVAL', `Invalid tag size: "${word}" is not in 1..${String(MOST_TAG)}`);
  if (size > MOST_TAG) throw fail('EINVAL', `Too big tag size: ${word} is not in 1..${String(MOST_TAG)}`);
  return size;
}

/** The kernel's B and I are for devices with an internal hash, which there is none of. */
export function readMode(word: string): Mode {
  if (word === 'J' || word === 'D' || word === 'R') return word;
  if (!(MODES as readonly string[]).includes(word))
    throw fail('EINVAL', `Invalid mode (expecting J, B, D, R, I): "${word}"`);
  throw fail('ENOTSUP', `mode ${word} is for devices with an internal_hash, which is not supported`);
}

/** Reads `<count> <option>...`; words behind the counted ones are ignored, as in the kernel. Kernel: dm_integrity_ctr. */
export function readOptions(count: string, words: readonly string[]): IntegrityOptions {
  const values = new Map<string, number>();
  const flags = new Set<string>();
  for (const word of countedWords(count, words)) {
    const [, name = '', digits] = /^([a-z_]+)(?::(\d+))?$/.exec(word) ?? [];
    if (MISSING.includes(word.split(':')[0]!))
      throw fail('ENOTSUP', `${word.split(':')[0]!} is not supported`);
    if (digits === undefined && FLAGS.includes(name)) flags.add(name);
    else if (digits !== undefined && NUMBERS.includes(name)) values.set(name, Number(digits));
    else if (digits === undefined || !UNUSED.includes(name)) {
      throw fail('EINVAL', `Invalid argument: "${word}" is not one of ${grammar()}`);
    }
  }
  const watermark = values.get('journal_watermark') ?? DEFAULT_WATERMARK;
  if (watermark > 100)
    throw fail('EINVAL', `Invalid argument: journal_watermark is a percentage, not ${String(watermark)}`);
  return {
    blockSectors: blockSectorsOf(values.get('block_size') ?? SECTOR_SIZE),
    journalSectors: values.get('journal_sectors'),
    interleave: interleaveOf(values.get('interleave_sectors')),
    bufferSectors: Math.min(LARGEST_BUFFER, powerBelow(values.get('buffer_sectors') ?? DEFAULT_BUFFER)),
    watermark,
    commitTime: values.get('commit_time') ?? DEFAULT_COMMIT_TIME,
    fixPadding: flags.has('fix_padding'),
    legacyRecalculate: flags.has('legacy_recalculate'),
  };
}

function countedWords(count: string, options: readonly string[]): readonly string[] {
  const wanted = /^\d+$/.test(count) ? Number(count) : NaN;
  if (wanted <= Math.min(MOST_OPTIONS, options.length)) return options.slice(0, wanted);
  throw fail(
    'EINVAL',
    `Invalid number of feature args: "${count}", of which there are ${String(options.length)}; at most ${String(MOST_OPTIONS)}`,
  );
}

function blockSectorsOf(bytes: number): number {
  if ([512, 1024, 2048, LARGEST_BLOCK].includes(bytes)) return bytes / SECTOR_SIZE;
  throw fail('EINVAL', `Invalid block_size argument: ${String(bytes)} is not one of 512, 1024, 2048, 4096`);
}

function interleaveOf(wanted: number | undefined): number {
  if (wanted === undefined || wanted === 0) return DEFAULT_INTERLEAVE;
  return Math.min(LARGEST_INTERLEAVE, Math.max(LEAST_INTERLEAVE, powerBelow(wanted)));
}

/** The largest power of two that is not larger; 1 for 0. */
function powerBelow(number: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, number)));
}

function grammar(): string {
  return [...NUMBERS.map((name) => `${name}:<number>`), ...FLAGS].join(', ');
}
