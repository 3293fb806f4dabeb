import type { Stream } from './engine.ts';
import type { Tweak } from './tweaked-mode.ts';
import type { IvTable } from './iv-table.ts';

/**
 * The masks of XTS: the IV encrypted with the second key, then doubled from block to block in GF(2^128), least significant byte
 * first. Source: IEEE 1619.
 */
export class XtsTweak implements Tweak {
  readonly #stream: Stream;
  readonly #blocks: number;

  /** `stream`: ECB encryption with the second key. `blocks`: 16 bytes each, in a sector. */
  constructor(stream: Stream, blocks: number) {
    this.#stream = stream;
    this.#blocks = blocks;
  }

  fill(masks: Int32Array, ivs: IvTable, first: number, sectors: number): void {
    const { words, bytes } = ivs;
    this.#stream.update(bytes, first * 16, bytes, first * 16, sectors * 16);
    let at = 0;
    for (let seed = first * 4; seed < (first + sectors) * 4; seed += 4) {
      let a = words[seed]!;
      let b = words[seed + 1]!;
      let c = words[seed + 2]!;
      let d = words[seed + 3]!;
      for (const end = at + this.#blocks * 4; at < end; at += 4) {
        masks[at] = a;
        masks[at + 1] = b;
        masks[at + 2] = c;
        masks[at + 3] = d;
        const carry = (d >> 31) & 0x87;
        d = (d << 1) | (c >>> 31);
        c = (c << 1) | (b >>> 31);
        b = (b << 1) | (a >>> 31);
        a = (a << 1) ^ carry;
      }
    }
  }

  close(): void {
    this.#stream.close();
  }
}
