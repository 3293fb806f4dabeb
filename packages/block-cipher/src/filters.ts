import type { Engine, Stream } from './engine.ts';
import { MD5_BLOCK, md5Block, startMd5 } from './md5.ts';
import type { CipherSpec } from './spec.ts';

/** What some old formats do to the data of a sector besides the cipher, in place. */
export interface SectorFilter {
  /** It works on the plain side of the cipher, before encryption and after decryption; or else on the other. */
  readonly onPlain: boolean;
  /** One sector as words, with its IV number. */
  encode(words: Int32Array, number: number): void;
  decode(words: Int32Array, number: number): void;
  /** Forgets its keys. */
  close(): void;
}

/** What a filter is opened with. */
export interface FilterRequest {
  readonly engine: Engine;
  readonly spec: CipherSpec;
  /** What of the key is the IV generator's. */
  readonly ivKey: Uint8Array;
  readonly sectorSize: number;
}

/** The filter of a spec, if it has one. */
export function openFilter({ engine, spec, ivKey, sectorSize }: FilterRequest): SectorFilter | undefined {
  if (spec.iv === 'lmk') return new LoopAesFilter(spec.ivSize, ivKey);
  if (spec.iv === 'tcw') return new WhiteningFilter(ivKey.subarray(spec.ivSize));
  if (spec.iv !== 'elephant') return undefined;
  return new ElephantFilter(engine.stream(`aes-${ivKey.length * 8}-ecb`, ivKey, true), sectorSize);
}

/**
 * lmk, of loop-AES: the IV is a digest of the number and of all blocks but the first. That is the same as an IV of zeroes with the
 * digest xored on the first block.
 */
class LoopAesFilter implements SectorFilter {
  readonly onPlain = true;
  /** State of the digest before the sector: after the seed, if there is one. */
  readonly #seeded: Int32Array = new Int32Array(4);
  readonly #state: Int32Array = new Int32Array(4);
  /** The last block of the digest. */
  readonly #tail: Int32Array = new Int32Array(MD5_BLOCK / 4);
  readonly #ivWords: number;

  constructor(ivSize: number, seed: Uint8Array) {
    this.#ivWords = ivSize / 4;
    startMd5(this.#seeded);
    if (seed.length === 0) return;
    const block = new Uint8Array(MD5_BLOCK);
    block.set(seed.subarray(0, 16));
    md5Block(this.#seeded, new Int32Array(block.buffer), 0);
    block.fill(0);
  }

  encode(words: Int32Array, number: number): void {
    const state = this.#state;
    const tail = this.#tail;
    state.set(this.#seeded);
    // Blocks 1 to 31 of the sector are 496 bytes: seven blocks of the digest, and the last one with the number.
    for (let at = 4; at < 116; at += 16) md5Block(state, words, at);
    for (let word = 0; word < 12; word++) tail[word] = words[116 + word]!;
    tail[12] = number | 0;
    tail[13] = (Math.floor(number / 2 ** 32) & 0xffffff) | 0x80000000;
    tail[14] = 4024;
    tail[15] = 0;
    md5Block(state, tail, 0);
    for (let word = 0; word < this.#ivWords; word++) words[word]! ^= state[word]!;
  }

  decode(words: Int32Array, number: number): void {
    this.encode(words, number);
  }

  close(): void {
    for (const memory of [this.#seeded, this.#state, this.#tail]) memory.fill(0);
  }
}

/** tcw, of TrueCrypt: eight bytes of the key and the number, xored all over the encrypted sector. */
class WhiteningFilter implements SectorFilter {
  readonly onPlain = false;
  readonly #key: Int32Array;

  constructor(key: Uint8Array) {
    this.#key = new Int32Array(key.slice().buffer);
  }

  encode(words: Int32Array, number: number): void {
    const key = this.#key;
    const high = Math.floor(number / 2 ** 32);
    const first = crc32(key[0]! ^ number) ^ crc32(key[3]! ^ high);
    const second = crc32(key[1]! ^ high) ^ crc32(key[2]! ^ number);
    for (let at = 0; at < words.length; at += 2) {
      words[at]! ^= first;
      words[at + 1]! ^= second;
    }
  }

  decode(words: Int32Array, number: number): void {
    this.encode(words, number);
  }

  close(): void {
    this.#key.fill(0);
  }
}

/** CRC-32 of the four bytes of a word, neither inverted before nor after. */
function crc32(word: number): number {
  let crc = word;
  for (let bit = 0; bit < 32; bit++) crc = (crc >>> 1) ^ (-(crc & 1) & 0xedb88320);
  return crc;
}

/** elephant, of BitLocker: a key of the sector and two diffusers. Kernel: crypt_iv_elephant. */
class ElephantFilter implements SectorFilter {
  readonly onPlain = true;
  readonly #stream: Stream;
  readonly #sectorSize: number;
  readonly #key: Int32Array = new Int32Array(8);
  readonly #keyBytes: Uint8Array = new Uint8Array(this.#key.buffer);

  /** `stream`: AES in ECB with the second key. */
  constructor(stream: Stream, sectorSize: number) {
    this.#stream = stream;
    this.#sectorSize = sectorSize;
  }

  encode(words: Int32Array, number: number): void {
    this.#whiten(words, number);
    for (let round = 0; round < 5; round++) unmix(words, -2, -5, 9, 0, 13, 0);
    for (let round = 0; round < 3; round++) unmix(words, 2, 5, 0, 10, 0, 25);
  }

  decode(words: Int32Array, number: number): void {
    for (let round = 0; round < 3; round++) mix(words, 2, 5, 0, 10, 0, 25);
    for (let round = 0; round < 5; round++) mix(words, -2, -5, 9, 0, 13, 0);
    this.#whiten(words, number);
  }

  close(): void {
    this.#stream.close();
    this.#key.fill(0);
  }

  #whiten(words: Int32Array, number: number): void {
    const key = this.#key;
    const shift = Math.log2(this.#sectorSize);
    key.fill(0);
    key[0] = key[4] = number << shift;
    key[1] = key[5] = (Math.floor(number / 2 ** 32) << shift) | ((number | 0) >>> (32 - shift));
    this.#keyBytes[31] = 0x80;
    this.#stream.update(this.#keyBytes, 0, this.#keyBytes, 0, 32);
    for (let at = 0; at < words.length; at++) words[at]! ^= key[at & 7]!;
  }
}

/**
 * A round of a diffuser: to each word its neighbour at the distance `near` xored with the one at `far`, which is rotated by the first
 * to fourth of the four counts in turn. Sectors have a power of two of words.
 */
function mix(
  words: Int32Array,
  near: number,
  far: number,
  first: number,
  second: number,
  third: number,
  fourth: number,
): void {
  const last = words.length - 1;
  for (let at = 0; at < last; at += 4) {
    words[at]! += words[(at + near) & last]! ^ rotated(words[(at + far) & last]!, first);
    words[at + 1]! += words[(at + 1 + near) & last]! ^ rotated(words[(at + 1 + far) & last]!, second);
    words[at + 2]! += words[(at + 2 + near) & last]! ^ rotated(words[(at + 2 + far) & last]!, third);
    words[at + 3]! += words[(at + 3 + near) & last]! ^ rotated(words[(at + 3 + far) & last]!, fourth);
  }
}

/** The way back. */
function unmix(
  words: Int32Array,
  near: number,
  far: number,
  first: number,
  second: number,
  third: number,
  fourth: number,
): void {
  const last = words.length - 1;
  for (let at = last - 3; at >= 0; at -= 4) {
    words[at + 3]! -= words[(at + 3 + near) & last]! ^ rotated(words[(at + 3 + far) & last]!, fourth);
    words[at + 2]! -= words[(at + 2 + near) & last]! ^ rotated(words[(at + 2 + far) & last]!, third);
    words[at + 1]! -= words[(at + 1 + near) & last]! ^ rotated(words[(at + 1 + far) & last]!, second);
    words[at]! -= words[(at + near) & last]! ^ rotated(words[(at + far) & last]!, first);
  }
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
