import { type Extent, fail, SECTOR_SIZE } from '@interposer/core';
import type { Cells } from './cells.ts';
import type { Content } from './content.ts';
import { digestText } from './digest.ts';
import type { Epoch } from './history.ts';
import type { LoggedWrite, LogWrite } from './log-write.ts';
import { runsOf, type Selection } from './selection.ts';

/** Digits of the hash that are in an id. */
const ID_DIGITS = 16;

/** A write of which something is on the disk. */
export interface KeptWrite extends LoggedWrite {
  /** The sectors of it that are there; undefined where all of it is. */
  readonly torn: readonly { readonly sector: number; readonly count: number }[] | undefined;
}

/** Where a state comes from. */
export interface StateOrigin {
  readonly epoch: Epoch;
  readonly cells: Cells;
  /** Of the whole log. */
  readonly marks: readonly string[];
}

/** A disk that a crash could have left. Never changes; its base must stay open and as it is while the state is read. */
export class CrashState {
  /** `e12-m3-0123456789abcdef`: its epoch, how many marks had been logged, and its content. */
  readonly id: string;
  /** The same for the same content over the same base, however it came about: 32 hexadecimal digits. */
  readonly hash: string;
  readonly #origin: StateOrigin;
  readonly #selection: Selection;
  #content: Content | undefined;

  /** Use `searchCrashStates` or `stateOf`. */
  constructor(origin: StateOrigin, selection: Selection) {
    this.#origin = origin;
    this.#selection = selection;
    this.hash = digestText(origin.cells.digest(selection.pieces));
    this.id = `e${String(this.epoch)}-m${String(selection.promised)}-${this.hash.slice(0, ID_DIGITS)}`;
  }

  /** Number of the epoch of the log in which the crash was, from 0. */
  get epoch(): number {
    return this.#origin.epoch.number;
  }

  /** The library's own: what was chosen. */
  get selection(): Selection {
    return this.#selection;
  }

  /** Texts of the marks that were logged before the crash, in their order: what the program may rely on. */
  get promises(): readonly string[] {
    return this.#origin.marks.slice(0, this.#selection.promised);
  }

  /** Writes of the epoch that are on the disk, whole or torn, in the order of the log. What was before the epoch is there. */
  get kept(): readonly KeptWrite[] {
    return this.#selection.pieces.map((piece) => ({
      ...described(piece.write),
      torn: piece.tear === null ? undefined : runsOf(piece),
    }));
  }

  /** Writes of the epoch without FUA, and discards, of which nothing is on the disk. */
  get lost(): readonly LoggedWrite[] {
    const kept = new Set(this.#selection.pieces.map(({ write }) => write));
    return this.#origin.epoch.loose.filter((write) => !kept.has(write)).map(described);
  }

  /** Size of the disk in sectors. */
  get sectors(): number {
    return this.content.base.sectors;
  }

  /** What the disk holds, by where it comes from. */
  get content(): Content {
    return (this.#content ??= this.#origin.cells.content(this.#selection.pieces));
  }

  /** Sectors of the disk. EINVAL beyond its end. */
  async read(sector: number, count: number): Promise<Uint8Array> {
    if (sector + count > this.sectors)
      throw fail('EINVAL', `the disk has ${String(this.sectors)} sectors, not ${String(sector + count)}`);
    const into = new Uint8Array(count * SECTOR_SIZE);
    await this.content.readInto(sector, count, into, 0);
    return into;
  }

  /** Which sectors hold data. */
  extents(sector: number, count: number): Extent[] {
    return this.content.extents(sector, count);
  }
}

function described({ entry, sector, count, kind }: LogWrite): LoggedWrite {
  return { entry, sector, count, kind };
}
