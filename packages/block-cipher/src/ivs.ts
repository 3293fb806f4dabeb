import { createHash, randomFillSync } from 'node:crypto';
import { blockCipher, digest } from './algorithms.ts';
import type { Engine, Stream } from './engine.ts';
import { openMode } from './modes.ts';
import { swapped } from './scratch.ts';
import type { SectorMode } from './sector-mode.ts';
import { Span } from './span.ts';
import type { CipherSpec, IvKind } from './spec.ts';
import type { IvTable } from './iv-table.ts';

/** Makes the IVs of a run of sectors. Kernel: crypt_iv_operations. */
export interface IvSource {
  /** `number`: IV number of the first sector; `step`: how much it grows from sector to sector. */
  fill(ivs: IvTable, number: number, sectors: number, step: number): void;
  /** Forgets its keys. */
  close(): void;
}

/** What an IV source is opened with. */
export interface IvRequest {
  readonly engine: Engine;
  readonly spec: CipherSpec;
  /** The key of the cipher, for what is derived from it; of authenc with the MAC key after it. */
  readonly key: Uint8Array;
  /** The first key, which eboiv uses for all sectors. */
  readonly firstKey: Uint8Array;
  /** Seed and whitening of tcw. */
  readonly ivKey: Uint8Array;
  readonly sectorSize: number;
}

/** Opens the IV source of a spec for one of its keys. */
export function openIvSource(request: IvRequest): IvSource {
  const { spec, ivKey } = request;
  const numbers = new NumberIvs(spec, request.sectorSize);
  if (spec.iv === 'random') return new RandomIvs(spec.ivSize);
  if (spec.iv === 'tcw') return new SeededIvs(spec.ivSize, ivKey);
  if (spec.iv === 'eboiv' || spec.iv === 'elephant') return new OffsetIvs(request, numbers);
  return spec.ivHash === undefined ? numbers : new EncryptedIvs(request, numbers);
}

/** Writes one IV: its number as two words, the low one first. `at` is its first word, `end` the one after its last. */
type Write = (ivs: Int32Array, at: number, end: number, low: number, high: number, shift: number) => void;

const littleEndian: Write = (ivs, at, _end, low, high) => {
  ivs[at] = low;
  ivs[at + 1] = high;
};

const shifted: Write = (ivs, at, _end, low, high, shift) => {
  ivs[at] = low << shift;
  ivs[at + 1] = (high << shift) | (low >>> (32 - shift));
};

const WRITES: Readonly<Record<IvKind, Write>> = {
  benbi: (ivs, _at, end, low, high, shift) => {
    ivs[end - 2] = swapped((high << shift) | (low >>> (32 - shift)));
    ivs[end - 1] = swapped((low << shift) | 1);
  },
  eboiv: shifted,
  elephant: shifted,
  essiv: littleEndian,
  lmk: () => undefined,
  null: () => undefined,
  plain: (ivs, at, _end, low) => {
    ivs[at] = low;
  },
  plain64: littleEndian,
  plain64be: (ivs, _at, end, low, high) => {
    ivs[end - 2] = swapped(high);
    ivs[end - 1] = swapped(low);
  },
  random: () => undefined,
  tcw: littleEndian,
};

/** What only depends on the number; lmk works on the data, see there. */
class NumberIvs implements IvSource {
  readonly #write: Write;
  readonly #width: number;
  /** benbi counts blocks and eboiv bytes. */
  readonly #shift: number;

  constructor({ iv = 'null', ivSize, blockSize }: CipherSpec, sectorSize: number) {
    this.#write = WRITES[iv];
    this.#width = ivSize / 4;
    this.#shift = iv === 'benbi' ? 9 - Math.log2(blockSize) : Math.log2(sectorSize);
  }

  fill(ivs: IvTable, number: number, sectors: number, step: number): void {
    const width = this.#width;
    const last = sectors * width;
    const { words } = ivs;
    words.fill(0, 0, last);
    for (let at = 0, sector = number; at < last; at += width, sector += step) {
      this.#write(words, at, at + width, sector | 0, Math.floor(sector / 2 ** 32), this.#shift);
    }
  }

  close(): void {
    // There is no key.
  }
}

class RandomIvs implements IvSource {
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  fill(ivs: IvTable, _number: number, sectors: number): void {
    randomFillSync(ivs.bytes, 0, sectors * this.#size);
  }

  close(): void {
    // There is no key.
  }
}

/** tcw: the number xored on a seed. */
class SeededIvs implements IvSource {
  readonly #seed: Int32Array;
  readonly #width: number;

  constructor(size: number, key: Uint8Array) {
    this.#width = size / 4;
    this.#seed = new Int32Array(key.slice(0, size).buffer);
  }

  fill(ivs: IvTable, number: number, sectors: number, step: number): void {
    let at = 0;
    for (let sector = number; at < sectors * this.#width; sector += step) {
      for (let word = 0; word < this.#width; word += 2) {
        ivs.words[at++] = this.#seed[word]! ^ sector;
        ivs.words[at++] = this.#seed[word + 1]! ^ Math.floor(sector / 2 ** 32);
      }
    }
  }

  close(): void {
    this.#seed.fill(0);
  }
}

/** essiv: the number encrypted with a digest of the key. */
class EncryptedIvs implements IvSource {
  readonly #numbers: IvSource;
  readonly #stream: Stream;
  readonly #size: number;

  constructor({ engine, spec, key }: IvRequest, numbers: IvSource) {
    const salt = createHash(digest(spec.ivHash!, spec.text).openssl).update(key).digest();
    const name = `${blockCipher(spec.cipher, spec.text).openssl(salt.length)}-ecb`;
    this.#stream = engine.stream(name, salt, true);
    salt.fill(0);
    this.#numbers = numbers;
    this.#size = spec.ivSize;
  }

  fill(ivs: IvTable, number: number, sectors: number, step: number): void {
    this.#numbers.fill(ivs, number, sectors, step);
    this.#stream.update(ivs.bytes, 0, ivs.bytes, 0, sectors * this.#size);
  }

  close(): void {
    this.#stream.close();
  }
}

/** eboiv: a block of zeroes encrypted as if it were a sector whose IV is the offset in bytes. */
class OffsetIvs implements IvSource {
  readonly #numbers: IvSource;
  readonly #mode: SectorMode;
  readonly #size: number;
  readonly #span: Span = new Span();
  #zeroes: Uint8Array = new Uint8Array(0);

  constructor({ engine, spec, firstKey }: IvRequest, numbers: IvSource) {
    this.#mode = openMode({ engine, spec, key: firstKey, sectorSize: spec.ivSize });
    this.#numbers = numbers;
    this.#size = spec.ivSize;
  }

  fill(ivs: IvTable, number: number, sectors: number, step: number): void {
    const bytes = sectors * this.#size;
    if (this.#zeroes.length < bytes) this.#zeroes = new Uint8Array(bytes);
    this.#numbers.fill(ivs, number, sectors, step);
    this.#mode.run(true, this.#span.set(this.#zeroes, 0, ivs.bytes, 0, bytes, 0), sectors, ivs);
    this.#span.clear();
  }

  close(): void {
    this.#mode.close();
  }
}
