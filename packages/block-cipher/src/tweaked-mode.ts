import type { Stream } from './engine.ts';
import { scratch, SCRATCH_SIZE, xorWords } from './scratch.ts';
import type { SectorMode } from './sector-mode.ts';
import type { IvTable } from './iv-table.ts';
import type { Span } from './span.ts';

/** Fills the masks of a run of sectors, block after block. */
export interface Tweak {
  /**
   * `ivs`: IVs of all sectors of a request, of which those of the `sectors` sectors from number `first` on are wanted; they
   * may be changed.
   */
  fill(masks: Int32Array, ivs: IvTable, first: number, sectors: number): void;
  close(): void;
}

/** XTS and LRW: the block cipher by itself, with a mask on its input and the same on its output. Blocks of 16 bytes. */
export class TweakedMode implements SectorMode {
  readonly #encrypting: Stream;
  readonly #decrypting: Stream;
  readonly #tweak: Tweak;
  readonly #sectorSize: number;

  constructor(encrypting: Stream, decrypting: Stream, tweak: Tweak, sectorSize: number) {
    this.#encrypting = encrypting;
    this.#decrypting = decrypting;
    this.#tweak = tweak;
    this.#sectorSize = sectorSize;
  }

  run(
    encrypting: boolean,
    { from, fromOffset, to, toOffset }: Readonly<Span>,
    sectors: number,
    ivs: IvTable,
  ): void {
    const stream = encrypting ? this.#encrypting : this.#decrypting;
    const { words, bytes, masks } = scratch();
    const size = this.#sectorSize;
    const most = SCRATCH_SIZE / size;
    for (let first = 0; first < sectors; first += most) {
      const count = Math.min(most, sectors - first);
      const length = count * size;
      const start = fromOffset + first * size;
      bytes.set(from.subarray(start, start + length));
      this.#tweak.fill(masks, ivs, first, count);
      xorWords(words, masks, length / 4);
      stream.update(bytes, 0, bytes, 0, length);
      xorWords(words, masks, length / 4);
      to.set(bytes.subarray(0, length), toOffset + first * size);
    }
  }

  lease(): undefined {
    return undefined;
  }

  close(): void {
    this.#encrypting.close();
    this.#decrypting.close();
    this.#tweak.close();
  }
}
