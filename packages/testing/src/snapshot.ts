import type { Port } from '@interposer/core';
import { checkInteger } from './check.ts';
import type { Contents } from './image.ts';
import type { Pause } from './pause.ts';
import { type Piece, PIECE, piecesOf, savePieces, writePiece } from './sparse.ts';

/** The contents of a disk at one moment. It stays when the disk changes, and when it is closed. */
export class DiskSnapshot implements Contents {
  /** Of the disk, in bytes. */
  readonly size: number;
  readonly #pieces: ReadonlyMap<number, Buffer>;
  readonly #pause: Pause;

  private constructor(size: number, pieces: ReadonlyMap<number, Buffer>, pause: Pause) {
    this.size = size;
    this.#pieces = pieces;
    this.#pause = pause;
  }

  /** Requests wait while it is taken; none fails. */
  static take(size: number, pause: Pause): Promise<DiskSnapshot> {
    return pause.run(async (below) => {
      const pieces = new Map<number, Buffer>();
      for await (const { number, data } of piecesOf(below)) pieces.set(number, data);
      return new DiskSnapshot(size, pieces, pause);
    });
  }

  /** A copy of some bytes, at any place and of any length inside the disk. */
  read(offset: number, length: number): Buffer {
    checkInteger('offset', offset, 0, this.size);
    checkInteger('length', length, 0, this.size - offset);
    const bytes = Buffer.alloc(length);
    const end = Math.ceil((offset + length) / PIECE);
    for (let number = Math.floor(offset / PIECE); number < end; number++) {
      const from = offset - number * PIECE;
      this.#pieces.get(number)?.copy(bytes, Math.max(0, -from), Math.max(0, from));
    }
    return bytes;
  }

  /** Writes it to a file as an image of the whole disk, with holes where it is zero. */
  save(path: string): Promise<void> {
    return savePieces(path, this.size, this.#all());
  }

  /**
   * Gives the disk these contents again, all on stable storage. Requests wait meanwhile; none fails. ESHUTDOWN when the disk
   * is closed.
   */
  restore(): Promise<void> {
    return this.#pause.run(async (below) => {
      await below.writeZeroes(0, below.limits.sectors);
      await this.fill(below);
      await below.flush();
    });
  }

  /** Writes it to another device, which is zeroes: `createDisk({ image: snapshot })` does. */
  async fill(port: Port): Promise<void> {
    for (const piece of this.#all()) await writePiece(port, piece);
  }

  *#all(): Generator<Piece> {
    for (const [number, data] of this.#pieces) yield { number, data };
  }
}
