import { fail, type InterposerError } from '@interposer/core';

/** What random corruption is given in: parts of this number. */
export const PROBABILITY_BASE = 1e9;

const MAX_NUMBER = 2 ** 32 - 1;

/** The most words of features there may be. A seed, which the kernel does not know, does not count. */
const MAX_WORDS = 11;

/** One byte of each request in one direction, and what it becomes. */
export interface ByteCorruption {
  /** The first byte of a request is 1. */
  readonly byte: number;
  readonly direction: 'r' | 'w';
  readonly value: number;
  /** Only requests with all of these bits of the kernel's bi_opf. */
  readonly flags: number;
}

/** What goes wrong while a device is down. */
export interface Features {
  readonly errorReads: boolean;
  readonly dropWrites: boolean;
  readonly errorWrites: boolean;
  readonly corruption: ByteCorruption | undefined;
  /** How many of 10^9 requests get a random byte at a random place. */
  readonly randomRead: number;
  readonly randomWrite: number;
  /** Of the random numbers; undefined: different ones each time. */
  readonly seed: number | undefined;
}

type Found = { -readonly [K in keyof Features]: Features[K] };

/**
 * Reads `[<words> <feature>...]`. EINVAL in the words of the kernel, in its order; words behind the features are ignored, as
 * there. Kernel: parse_features.
 */
export function parseFeatures(words: readonly string[], maySeed: boolean): Features {
  const found = new FeatureParser(words, maySeed).parse();
  checkTogether(found);
  const { errorReads, dropWrites, errorWrites, corruption, randomRead, randomWrite } = found;
  const harmless = corruption === undefined && randomRead === 0 && randomWrite === 0;
  if (harmless && !errorReads && !dropWrites && !errorWrites)
    return { ...found, errorReads: true, errorWrites: true };
  return found;
}

/** The words that `parseFeatures` makes the same features of. */
export function featureText(features: Features): string {
  const { errorReads, dropWrites, errorWrites, corruption, randomRead, randomWrite, seed } = features;
  const words: (string | number)[] = [];
  if (errorReads) words.push('error_reads');
  if (dropWrites) words.push('drop_writes');
  if (errorWrites) words.push('error_writes');
  if (corruption !== undefined) {
    const { byte, direction, value, flags } = corruption;
    words.push('corrupt_bio_byte', byte, direction, value, flags);
  }
  if (randomRead > 0) words.push('random_read_corrupt', randomRead);
  if (randomWrite > 0) words.push('random_write_corrupt', randomWrite);
  if (seed !== undefined) words.push('seed', seed);
  return [words.length, ...words].join(' ');
}

class FeatureParser {
  readonly #words: readonly string[];
  readonly #maySeed: boolean;
  #at = 0;
  /** Words of the number in front that are to come. Below 0 where a feature took more, and then there is no end to them. */
  #left: number;
  readonly #found: Found = {
    errorReads: false,
    dropWrites: false,
    errorWrites: false,
    corruption: undefined,
    randomRead: 0,
    randomWrite: 0,
    seed: undefined,
  };

  constructor([count = '0', ...words]: readonly string[], maySeed: boolean) {
    this.#words = words;
    this.#maySeed = maySeed;
    const most = Math.min(words.length, MAX_WORDS + (maySeed ? 2 : 0));
    this.#left = number(count, 0, most, 'Invalid number of feature args');
  }

  parse(): Found {
    while (this.#left !== 0) {
      const word = this.#next();
      if (word === undefined) throw refusal('Insufficient feature arguments');
      this.#feature(word.toLowerCase());
    }
    return this.#found;
  }

  #feature(name: string): void {
    switch (name) {
      case 'error_reads':
        this.#set('errorReads', name);
        break;
      case 'drop_writes':
        this.#set('dropWrites', name);
        if (this.#found.errorWrites) throw conflict(name, 'error_writes');
        break;
      case 'error_writes':
        this.#set('errorWrites', name);
        if (this.#found.dropWrites) throw conflict(name, 'drop_writes');
        break;
      case 'corrupt_bio_byte':
        this.#corruption(name);
        break;
      case 'random_read_corrupt':
        this.#found.randomRead = this.#parameter(name, PROBABILITY_BASE, 'Invalid random corrupt argument');
        break;
      case 'random_write_corrupt':
        this.#found.randomWrite = this.#parameter(name, PROBABILITY_BASE, 'Invalid random corrupt argument');
        break;
      default:
        if (name !== 'seed' || !this.#maySeed)
          throw refusal(`Unrecognised flakey feature requested: ${name}`);
        this.#found.seed = this.#parameter(name, MAX_NUMBER, 'Invalid seed');
    }
  }

  #set(key: 'errorReads' | 'dropWrites' | 'errorWrites', name: string): void {
    if (this.#found[key]) throw refusal(`Feature ${name} duplicated`);
    this.#found[key] = true;
  }

  #corruption(name: string): void {
    if (this.#left === 0) throw refusal(`Feature ${name} requires parameters`);
    const byte = number(this.#next(), 1, MAX_NUMBER, 'Invalid corrupt bio byte');
    const direction = this.#next()?.toLowerCase();
    if (direction !== 'r' && direction !== 'w') throw refusal('Invalid corrupt bio direction (r or w)');
    const value = number(this.#next(), 0, 255, 'Invalid corrupt value to write into bio byte (0-255)');
    const flags = number(this.#next(), 0, MAX_NUMBER, 'Invalid corrupt bio flags mask');
    this.#found.corruption = { byte, direction, value, flags };
  }

  #parameter(name: string, max: number, error: string): number {
    if (this.#left === 0) throw refusal(`Feature ${name} requires a parameter`);
    return number(this.#next(), 0, max, error);
  }

  #next(): string | undefined {
    this.#left--;
    return this.#words[this.#at++];
  }
}

/** What vanishes or fails cannot be corrupted at a fixed place too. */
function checkTogether({ corruption, dropWrites, errorWrites }: Found): void {
  if (corruption?.direction !== 'w' || !(dropWrites || errorWrites)) return;
  const name = dropWrites ? 'drop_writes' : 'error_writes';
  throw refusal(`${name} is incompatible with corrupt_bio_byte with the WRITE flag set`);
}

function number(word = '', min: number, max: number, error: string): number {
  const value = /^\d+$/.test(word) ? Number(word) : NaN;
  if (value >= min && value <= max) return value;
  throw refusal(`${error}: "${word}" is no whole decimal number in ${String(min)}..${String(max)}`);
}

function conflict(name: string, other: string): InterposerError {
  return refusal(`Feature ${name} conflicts with feature ${other}`);
}

function refusal(text: string): InterposerError {
  return fail('EINVAL', `flakey: ${text}`);
}
