import {
  asError,
  fail,
  isInterposerError,
  type Port,
  SECTOR_SIZE,
  type TargetContext,
} from '@interposer/core';
import type { Leg } from './legs.ts';
import { logBytes } from './log-format.ts';
import type { SyncWord } from './log.ts';

/** Kernel: MAX_NR_MIRRORS. */
const MAX_LEGS = 9;

/** So that what is kept of each region fits into the memory of a process. */
const MAX_REGIONS = 2 ** 27;

/** What the parser makes of the first two words, and the rest. */
export interface MirrorArgs {
  readonly log: string;
  readonly log_words: number;
  readonly arguments: readonly string[];
}

/** What a table line asks for. */
export interface MirrorSetup {
  /** The device of a log on disk; null: in memory. */
  readonly logPort: Port | null;
  /** Sectors of a region. */
  readonly regionSize: number;
  readonly sync: SyncWord;
  readonly legs: readonly Leg[];
  readonly handleErrors: boolean;
  readonly keepLog: boolean;
}

/**
 * `<log> <log_words> <log word>×log_words <legs> [<device> <offset>]×legs [<features> <feature>×features]`, checked and opened
 * in the kernel's order, with its texts. EINVAL, or what a device could not be opened for.
 */
export async function readArguments(context: TargetContext, args: MirrorArgs): Promise<MirrorSetup> {
  const { log, log_words: count, arguments: words } = args;
  if (words.length < count) {
    throw fail('EINVAL', `Insufficient mirror log arguments (${String(count)} are announced)`);
  }
  const logSetup = await readLog(context, log, words.slice(0, count));
  const [legCount = '', ...rest] = words.slice(count);
  const legs = await readLegs(context, legCount, rest);
  checkBlocks(logSetup.regionSize, legs);
  return { ...logSetup, legs, ...readFeatures(rest.slice(2 * legs.length)) };
}

async function readLog(
  context: TargetContext,
  type: string,
  words: readonly string[],
): Promise<Pick<MirrorSetup, 'logPort' | 'regionSize' | 'sync'>> {
  if (type !== 'core' && type !== 'disk') throw logError(`there is no log "${type}", but core and disk`);
  const own = type === 'disk' ? words.slice(1) : words;
  if (own.length < 1 || own.length > 2 || words.length === own.length - 1) {
    throw logError(`wrong number of arguments to ${type === 'disk' ? 'disk ' : ''}dirty region log`);
  }
  const logPort = type === 'disk' ? await open(context, words[0]!, logError) : null;
  const [sizeWord = '', sync = null] = own;
  if (sync !== null && sync !== 'sync' && sync !== 'nosync') {
    throw logError(`unrecognised sync argument to dirty region log: ${sync}`);
  }
  const regionSize = readRegionSize(context, sizeWord);
  if (logPort !== null) checkRoom(logPort, Math.ceil(context.sectors / regionSize));
  return { logPort, regionSize, sync };
}

function readRegionSize({ sectors }: TargetContext, word: string): number {
  const size = readNumber(word);
  const isPower = Number.isInteger(Math.log2(size));
  if (!isPower || size < 2 || size > sectors) {
    throw logError(`invalid region size ${word}: a power of two, 2 to ${String(sectors)}`);
  }
  if (sectors / size > MAX_REGIONS) {
    throw logError(`region size ${word} too small: at most ${String(MAX_REGIONS)} regions`);
  }
  return size;
}

function checkRoom({ device, limits }: Port, regions: number): void {
  const bytes = logBytes(regions, limits.logicalBlock);
  if (bytes <= limits.sectors * SECTOR_SIZE) return;
  throw logError(`log device ${device.number} too small: need ${String(bytes)} bytes`);
}

async function readLegs(
  context: TargetContext,
  countWord: string,
  words: readonly string[],
): Promise<readonly Leg[]> {
  const count = readNumber(countWord);
  if (!(count >= 2 && count <= MAX_LEGS)) {
    throw fail('EINVAL', `Invalid number of mirrors ("${countWord}" is not in 2..${String(MAX_LEGS)})`);
  }
  if (words.length < 2 * count) throw fail('EINVAL', 'Too few mirror arguments (<device> <offset> for each)');
  const legs: Leg[] = [];
  for (let index = 0; index < count; index++) {
    const word = words[2 * index + 1]!;
    const offset = readNumber(word);
    if (Number.isNaN(offset))
      throw fail('EINVAL', `Invalid offset ("${word}" is not a whole decimal number)`);
    const port = await open(context, words[2 * index]!, (reason, code) => {
      return fail(code, `Device lookup failure: ${reason}`);
    });
    legs.push({ port, offset });
  }
  return legs;
}

/** A request is cut at the ends of regions, so each has to be whole blocks; the kernel lets it fail then. */
function checkBlocks(regionSize: number, legs: readonly Leg[]): void {
  const block = Math.max(...legs.map(({ port }) => port.limits.logicalBlock));
  if ((regionSize * SECTOR_SIZE) % block === 0) return;
  throw fail(
    'EINVAL',
    `regions of ${String(regionSize)} sectors are no whole blocks of ${String(block)} bytes`,
  );
}

function readFeatures(words: readonly string[]): Pick<MirrorSetup, 'handleErrors' | 'keepLog'> {
  const [countWord, ...features] = words;
  const count = countWord === undefined ? 0 : readNumber(countWord);
  if (Number.isNaN(count)) throw fail('EINVAL', `Invalid number of features ("${countWord!}")`);
  if (count > features.length) throw fail('EINVAL', 'Not enough arguments to support feature count');
  const given = features.slice(0, count);
  const unknown = given.find((word) => word !== 'handle_errors' && word !== 'keep_log');
  if (unknown !== undefined) {
    throw fail(
      'EINVAL',
      `Unrecognised feature requested ("${unknown}"; there are handle_errors and keep_log)`,
    );
  }
  const [handleErrors, keepLog] = [given.includes('handle_errors'), given.includes('keep_log')];
  if (keepLog && !handleErrors) {
    throw fail('EINVAL', 'keep_log feature requires the handle_errors feature');
  }
  if (features.length > count) throw fail('EINVAL', 'Too many mirror arguments');
  return { handleErrors, keepLog };
}

type ErrorMaker = (reason: string, code: Parameters<typeof fail>[0]) => Error;

function logError(reason: string): Error {
  return fail('EINVAL', `Error creating mirror dirty log (${reason})`);
}

async function open(context: TargetContext, spec: string, explain: ErrorMaker): Promise<Port> {
  return context.open(spec, 'exclusive').catch((error: unknown) => {
    throw explain(asError(error).message, isInterposerError(error) ? error.code : 'EIO');
  });
}

/** NaN for what is no whole decimal number, or one too large to count with. */
function readNumber(word: string): number {
  const value = /^\d+$/.test(word) ? Number(word) : NaN;
  return Number.isSafeInteger(value) ? value : NaN;
}
