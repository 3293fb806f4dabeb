import type { EngineName, SectorCipher, TaggedCipher } from '@interposer/block-cipher';
import { fail, SECTOR_SIZE } from '@interposer/core';

const NO_TUPLES = new Uint8Array(0);

/** What is thrown for a sector that is not what was written there. */
export class TagMismatch extends Error {
  override readonly name = 'TagMismatch';
  /** Of the target. */
  readonly sector: number;

  constructor(sector: number) {
    super(`INTEGRITY AEAD ERROR, sector ${String(sector)}`);
    this.sector = sector;
  }
}

/** A cipher with tuples as one without, so that the pool can do its jobs in slices: it knows where the tuples of its job are. */
export class TupleCipher implements SectorCipher {
  cipher: TaggedCipher;
  /** The first sector of the job. */
  sector = 0;
  tuples: Uint8Array = NO_TUPLES;
  /** Bytes from one tuple to the next one: the device may keep more than the cipher needs. */
  readonly #stride: number;

  constructor(cipher: TaggedCipher, stride: number) {
    this.cipher = cipher;
    this.#stride = stride;
  }

  /** Each sector takes a cipher object, or an HMAC. */
  readonly slow = true;

  get spec(): TaggedCipher['spec'] {
    return this.cipher.spec;
  }

  get engine(): EngineName {
    return this.cipher.engine;
  }

  get sectorSize(): number {
    return this.cipher.sectorSize;
  }

  encrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
    sector: number,
  ): void {
    const step = this.#step(bytes);
    for (let done = 0; done < bytes; done += step) {
      const first = sector + done / SECTOR_SIZE;
      const at = this.#offsetOf(first);
      this.cipher.encrypt(from, fromOffset + done, to, toOffset + done, step, first, this.tuples, at);
    }
  }

  /** Throws `TagMismatch`. */
  decrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
    sector: number,
  ): void {
    const step = this.#step(bytes);
    for (let done = 0; done < bytes; done += step) {
      const first = sector + done / SECTOR_SIZE;
      const at = this.#offsetOf(first);
      const bad = this.cipher.decrypt(
        from,
        fromOffset + done,
        to,
        toOffset + done,
        step,
        first,
        this.tuples,
        at,
      );
      if (bad >= 0) throw new TagMismatch(bad);
    }
  }

  /** The key is its owner's. */
  wipe(): void {
    throw fail('EINVAL', 'the key of a job is wiped with its target');
  }

  /** All at once where tuples follow one another. */
  #step(bytes: number): number {
    return this.#stride === this.cipher.tupleSize ? bytes : this.cipher.sectorSize;
  }

  #offsetOf(sector: number): number {
    return (((sector - this.sector) * SECTOR_SIZE) / this.cipher.sectorSize) * this.#stride;
  }
}
