import type { BaseImage } from './base-image.ts';
import { Content } from './content.ts';
import { DIGEST_WORDS, type Digests, digestSectors, mixDigest } from './digest.ts';
import type { LogWrite } from './log-write.ts';
import { Overlay, type Segment } from './overlay.ts';
import { type Piece, runsOf } from './selection.ts';
import type { Tear } from './tears.ts';

/** No piece covers it. */
const NOBODY = -1;

/** What a disk is sure to hold. */
export interface DurableDisk {
  readonly base: BaseImage;
  /** What lies over the base. */
  readonly durable: Overlay;
  /** Digest of the content, less that of the base. */
  readonly digest: Digests;
}

/** The disk before anything was logged. */
export function untouched(base: BaseImage): DurableDisk {
  return { base, durable: Overlay.EMPTY, digest: new Int32Array(DIGEST_WORDS) };
}

/**
 * The writes of an epoch over what was durable before it, cut into cells: runs of sectors that a write, or a torn part of one,
 * covers whole or not at all. The digest of each cell under each write is made once, so the digest of a state is a matter of
 * who owns which cell.
 */
export class Cells {
  readonly #base: BaseImage;
  /** What lies over the base and was durable before the epoch. */
  readonly #durable: Overlay;
  /** Digest of the durable content, less that of the base. */
  readonly #before: Digests;
  /** Where cells begin, in order; cell n ends where the next one begins. */
  readonly #starts: number[];
  readonly #indices = new Map<number, number>();
  /** Digests of the durable content, for each cell that a write covers. */
  readonly #under: Digests;
  readonly #own = new Map<LogWrite, Digests>();
  readonly #owners: Int32Array;

  private constructor({ base, durable, digest }: DurableDisk, starts: number[]) {
    this.#base = base;
    this.#durable = durable;
    this.#before = digest;
    this.#starts = starts;
    for (const [index, sector] of starts.entries()) this.#indices.set(sector, index);
    this.#under = new Int32Array(starts.length * DIGEST_WORDS);
    this.#owners = new Int32Array(starts.length);
  }

  /** Cells for some writes and their tears. Reads what of the base lies under them. */
  static async make(before: DurableDisk, tears: ReadonlyMap<LogWrite, readonly Tear[]>): Promise<Cells> {
    const places = new Set<number>();
    for (const [write, its] of tears) {
      places.add(write.sector).add(write.end);
      for (const [from, to] of its.flat()) places.add(write.sector + from).add(write.sector + to);
    }
    const cells = new Cells(
      before,
      [...places].sort((a, b) => a - b),
    );
    for (const write of tears.keys()) cells.#digestOwn(write);
    await cells.#digestUnder([...tears.keys()]);
    return cells;
  }

  /** Digest of the content with some pieces on top, less that of the base. */
  digest(pieces: readonly Piece[]): Digests {
    const owners = this.#assign(pieces);
    const digest = this.#before.slice();
    for (let cell = 0; cell < owners.length; cell++) {
      const owner = owners[cell]!;
      if (owner === NOBODY) continue;
      const { write } = pieces[owner]!;
      mixDigest(digest, 0, this.#under, cell);
      const own = this.#own.get(write);
      if (own !== undefined) mixDigest(digest, 0, own, cell - this.#indices.get(write.sector)!);
    }
    return digest;
  }

  /** What the disk holds with some pieces on top. */
  content(pieces: readonly Piece[]): Content {
    return new Content(this.#base, [this.#overlay(pieces), this.#durable]);
  }

  /** The disk when all of some pieces are durable. */
  after(pieces: readonly Piece[]): DurableDisk {
    const durable = this.#durable.under(this.#overlay(pieces));
    return { base: this.#base, durable, digest: this.digest(pieces) };
  }

  #overlay(pieces: readonly Piece[]): Overlay {
    const owners = this.#assign(pieces);
    const segments: Segment[] = [];
    for (let cell = 0; cell < owners.length;) {
      const owner = owners[cell]!;
      const first = cell;
      while (cell < owners.length && owners[cell] === owner) cell++;
      if (owner === NOBODY) continue;
      const sector = this.#starts[first]!;
      segments.push({ sector, count: this.#starts[cell]! - sector, write: pieces[owner]!.write });
    }
    return new Overlay(segments);
  }

  /** Pairs of a write with FUA and another one that overlap with different data: the log does not tell which came first. */
  ambiguous(fua: readonly LogWrite[], loose: readonly LogWrite[]): [fua: LogWrite, write: LogWrite][] {
    const covering = new Map<number, LogWrite[]>();
    for (const write of fua) {
      for (const cell of this.#cellsOf(write)) covering.set(cell, [...(covering.get(cell) ?? []), write]);
    }
    const found: [LogWrite, LogWrite][] = [];
    if (covering.size === 0) return found;
    for (const write of loose) {
      const others = new Set<LogWrite>();
      for (const cell of this.#cellsOf(write)) {
        for (const other of covering.get(cell) ?? []) if (this.#differ(cell, write, other)) others.add(other);
      }
      for (const other of others) found.push([other, write]);
    }
    return found;
  }

  /** For each cell the index of the piece that is on top. The same array each time. */
  #assign(pieces: readonly Piece[]): Int32Array {
    const owners = this.#owners.fill(NOBODY);
    for (const [index, piece] of pieces.entries()) {
      for (const { sector, count } of runsOf(piece))
        owners.fill(index, this.#indices.get(sector), this.#indices.get(sector + count));
    }
    return owners;
  }

  *#cellsOf(write: LogWrite): Generator<number> {
    const end = this.#indices.get(write.end)!;
    for (let cell = this.#indices.get(write.sector)!; cell < end; cell++) yield cell;
  }

  #differ(cell: number, one: LogWrite, other: LogWrite): boolean {
    const difference = new Int32Array(DIGEST_WORDS);
    for (const write of [one, other]) {
      const own = this.#own.get(write);
      if (own !== undefined) mixDigest(difference, 0, own, cell - this.#indices.get(write.sector)!);
    }
    return difference.some((word) => word !== 0);
  }

  /** A discard leaves zeroes, of which the digest is zero. */
  #digestOwn(write: LogWrite): void {
    if (write.data === null) return;
    const digests = digestSectors(write.sector, write.count, write.data, 0);
    const first = this.#indices.get(write.sector)!;
    const own = new Int32Array((this.#indices.get(write.end)! - first) * DIGEST_WORDS);
    for (const cell of this.#cellsOf(write)) {
      for (let sector = this.#starts[cell]!; sector < this.#starts[cell + 1]!; sector++)
        mixDigest(own, cell - first, digests, sector - write.sector);
    }
    this.#own.set(write, own);
  }

  /** Of the durable content, where a write covers it. */
  async #digestUnder(writes: readonly LogWrite[]): Promise<void> {
    const covered = new Set(writes.flatMap((write) => [...this.#cellsOf(write)]));
    const durable = new Content(this.#base, [this.#durable]);
    for (const cell of covered) {
      const start = this.#starts[cell]!;
      for (const run of durable.runs(start, this.#starts[cell + 1]! - start)) {
        const [bytes, at] = await durable.bytesOf(run);
        if (bytes === null) continue;
        const digests = digestSectors(run.sector, run.count, bytes, at);
        for (let index = 0; index < run.count; index++) mixDigest(this.#under, cell, digests, index);
      }
    }
  }
}
