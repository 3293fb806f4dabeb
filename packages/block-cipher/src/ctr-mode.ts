import type { Stream } from './engine.ts';
import { scratch, SCRATCH_SIZE, swapped, xorWords } from './scratch.ts';
import type { SectorMode } from './sector-mode.ts';
import type { IvTable } from './iv-table.ts';
import type { Span } from './span.ts';

/** CTR: the encrypted counter is xored on the data. The IV is where it starts, most significant byte first. */
export class CtrMode implements SectorMode {
  readonly #stream: Stream;
  readonly #blockWords: number;
  readonly #sectorSize: number;

  /** `stream`: ECB encryption. `blockSize`: bytes. */
  constructor(stream: Stream, blockSize: number, sectorSize: number) {
    this.#stream = stream;
    this.#blockWords = blockSize / 4;
    this.#sectorSize = sectorSize;
  }

  /** Either way is the same. */
  run(
    _encrypting: boolean,
    { from, fromOffset, to, toOffset }: Readonly<Span>,
    sectors: number,
    ivs: IvTable,
  ): void {
    const { words, bytes, masks, maskBytes } = scratch();
    const size = this.#sectorSize;
    const most = SCRATCH_SIZE / size;
    for (let first = 0; first < sectors; first += most) {
      const count = Math.min(most, sectors - first);
      const length = count * size;
      const start = fromOffset + first * size;
      for (let sector = 0; sector < count; sector++) this.#count(masks, sector, ivs.words, first + sector);
      this.#stream.update(maskBytes, 0, maskBytes, 0, length);
      bytes.set(from.subarray(start, start + length));
      xorWords(words, masks, length / 4);
      to.set(bytes.subarray(0, length), toOffset + first * size);
    }
  }

  lease(): undefined {
    return undefined;
  }

  close(): void {
    this.#stream.close();
  }

  /** Writes the counters of one sector. */
  #count(masks: Int32Array, sector: number, ivs: Int32Array, ivSector: number): void {
    const width = this.#blockWords;
    const iv = ivSector * width;
    const end = ((sector + 1) * this.#sectorSize) / 4;
    for (let at = (sector * this.#sectorSize) / 4; at < end; at += width) {
      for (let word = 0; word < width; word++) masks[at + word] = ivs[iv + word]!;
      for (let word = iv + width - 1; word >= iv; word--) {
        const next = (swapped(ivs[word]!) + 1) | 0;
        ivs[word] = swapped(next);
        if (next !== 0) break;
      }
    }
  }
}
