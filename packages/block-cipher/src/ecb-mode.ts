import type { Stream } from './engine.ts';
import type { SectorMode } from './sector-mode.ts';
import type { Span } from './span.ts';

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

  run(encrypting: boolean, { from, fromOffset, to, toOffset }: Readonly<Span>, sectors: number): void {
    const stream = encrypting ? this.#encrypting : this.#decrypting;
    stream.update(from, fromOffset, to, toOffset, sectors * this.#sectorSize);
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

  run(_encrypting: boolean, { from, fromOffset, to, toOffset }: Readonly<Span>, sectors: number): void {
    to.set(from.subarray(fromOffset, fromOffset + sectors * this.#sectorSize), toOffset);
  }

  lease(): undefined {
    return undefined;
  }

  close(): void {
    // There is no key.
  }
}
