import type { Stream } from './engine.ts';
import type { SectorMode } from './sector-mode.ts';

/** ECB: the block cipher by itself, without IVs. */
export class EcbMode implements SectorMode {
  readonly #encrypting: Stream;
  readonly #decrypting: Stream;
  readonly #sectorSize: number;

  constructor(encrypting: Stream, decrypting: Stream, sectorSize: number) {
    this.#encrypting = encrypting;
    this.#decrypting = decrypting;
    this.#sectorSize = sectorSize;
  }

  encrypt(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, sectors: number): void {
    this.#encrypting.update(from, fromOffset, to, toOffset, sectors * this.#sectorSize);
  }

  decrypt(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, sectors: number): void {
    this.#decrypting.update(from, fromOffset, to, toOffset, sectors * this.#sectorSize);
  }

  lease(): undefined {
    return undefined;
  }

  close(): void {
    this.#encrypting.close();
    this.#decrypting.close();
  }
}

/** cipher_null: the bytes as they are. */
export class NullMode implements SectorMode {
  readonly #sectorSize: number;

  constructor(sectorSize: number) {
    this.#sectorSize = sectorSize;
  }

  encrypt(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, sectors: number): void {
    to.set(from.subarray(fromOffset, fromOffset + sectors * this.#sectorSize), toOffset);
  }

  decrypt(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, sectors: number): void {
    this.encrypt(from, fromOffset, to, toOffset, sectors);
  }

  lease(): undefined {
    return undefined;
  }

  close(): void {
    // There is no key.
  }
}
