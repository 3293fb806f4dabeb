import { BufferPool, type PooledBuffer, SECTOR_SIZE } from '@interposer/core';
import { CommandFlag, NbdCommand } from '@interposer/nbd-protocol';
import { CoveredRanges } from './covered-ranges.ts';
import type { Request } from './request.ts';

/*
 * A server may answer a write and lose it in a crash, until it has answered a flush. Whoever reconnects cannot tell a server
 * that crashed from one whose connection broke. So what was answered and not flushed is kept here and written once more, and
 * a later flush tells the truth. The kernel's nbd and qemu do not: a flush of theirs may claim what a crash took.
 */

/** Bytes of data that are kept at most; a program's memory has other uses. */
const MOST_BYTES = 64 * 2 ** 20;

/** From this much on it is time for a flush of the device's own, so that there is room again. */
const CROWDED_BYTES = MOST_BYTES / 4;

const MOST_ENTRIES = 2 ** 16;
const CROWDED_ENTRIES = MOST_ENTRIES / 4;

const SLAB_BYTES = 2 ** 20;

// The source may be any Uint8Array, which has no copy with offsets of its own; Node's needs no view.
const bufferPrototype = Buffer.prototype as Buffer;

/** A write that is to be done again. */
export interface KeptWrite {
  readonly sector: number;
  readonly count: number;
  /** `NbdCommand.Write` or `NbdCommand.WriteZeroes`. */
  readonly command: number;
  readonly flags: number;
  readonly buffer: Uint8Array;
  readonly bufferOffset: number;
}

const NO_DATA: PooledBuffer = Buffer.alloc(0);

/** Writes that were answered, in that order: kept in parallel lists, so that nothing is made for a write. */
export class UnflushedWrites {
  readonly #sectors: number[] = [];
  readonly #counts: number[] = [];
  /** `NbdCommand.Trim`: nothing is to be done again, because it is stable or its contents do not matter. */
  readonly #commands: number[] = [];
  readonly #flags: number[] = [];
  readonly #slabs: PooledBuffer[] = [];
  readonly #offsets: number[] = [];
  readonly #pool = new BufferPool(MOST_BYTES);
  /** Slabs that hold data of entries, in the order of their filling. */
  readonly #filled: PooledBuffer[] = [];
  /** Bytes of the last slab that are taken. */
  #used = SLAB_BYTES;
  /** Entries are numbered; this is the number of the first in the lists. */
  #first = 0;
  /** A flush covered the entries below this number. */
  #stable = 0;
  /** Of the entries below this number some are not kept. */
  #forgotten = 0;

  /** What a flush that is sent now covers: the entries below this number. */
  get mark(): number {
    return this.#first + this.#sectors.length;
  }

  /** Whether a flush would be good, to make room. */
  get isCrowded(): boolean {
    return this.#filled.length * SLAB_BYTES > CROWDED_BYTES || this.#sectors.length > CROWDED_ENTRIES;
  }

  /** Whether everything that no flush covered is kept. */
  get isComplete(): boolean {
    return this.#forgotten <= this.#stable;
  }

  /** A write, discard or write of zeroes was answered. */
  keep(request: Request): void {
    const { sector, count, command, flags } = request;
    const isStable = (flags & CommandFlag.Fua) !== 0 || request.flushing;
    if (this.#sectors.length >= MOST_ENTRIES) this.forget();
    if (command === NbdCommand.Write && !isStable) this.#keepData(request);
    else if (command === NbdCommand.WriteZeroes) this.#add(sector, count, command, flags, NO_DATA, 0);
    // It only hides older entries.
    else if (this.#sectors.length > 0) this.#add(sector, count, NbdCommand.Trim, 0, NO_DATA, 0);
  }

  /** A flush was answered that was sent at this mark. */
  cover(mark: number): void {
    this.#stable = Math.max(this.#stable, mark);
    this.#drop(mark - this.#first);
  }

  /** Gives up what is kept: there is too much of it, or it could not be written again. */
  forget(): void {
    this.#forgotten = this.mark;
    this.#drop(this.#sectors.length);
  }

  /** Whoever had to know that writes are not kept has been told. */
  forgive(): void {
    this.#forgotten = 0;
  }

  /** The writes that bring a server up to date that lost all of them: the last of each sector, in any order. */
  toRepeat(): KeptWrite[] {
    const repeats: KeptWrite[] = [];
    const newer = new CoveredRanges();
    for (let at = this.#sectors.length - 1; at >= 0; at--) {
      const sector = this.#sectors[at]!;
      for (const [start, end] of newer.take(sector, sector + this.#counts[at]!)) {
        if (this.#commands[at] === NbdCommand.Trim) continue;
        repeats.push({
          sector: start,
          count: end - start,
          command: this.#commands[at]!,
          flags: this.#flags[at]!,
          buffer: this.#slabs[at]!,
          bufferOffset: this.#offsets[at]! + (start - sector) * SECTOR_SIZE,
        });
      }
    }
    return repeats;
  }

  /** As many entries as the slabs it lies in. */
  #keepData({ sector, count, flags, buffer, bufferOffset }: Request): void {
    for (let done = 0; done < count;) {
      if (this.#used === SLAB_BYTES) this.#startSlab();
      const slab = this.#filled.at(-1)!;
      const sectors = Math.min(count - done, (SLAB_BYTES - this.#used) / SECTOR_SIZE);
      const start = bufferOffset + done * SECTOR_SIZE;
      bufferPrototype.copy.call(buffer, slab, this.#used, start, start + sectors * SECTOR_SIZE);
      this.#add(sector + done, sectors, NbdCommand.Write, flags, slab, this.#used);
      this.#used += sectors * SECTOR_SIZE;
      done += sectors;
    }
  }

  #startSlab(): void {
    if (this.#filled.length * SLAB_BYTES >= MOST_BYTES) this.forget();
    this.#filled.push(this.#pool.get(SLAB_BYTES));
    this.#used = 0;
  }

  #add(
    sector: number,
    count: number,
    command: number,
    flags: number,
    slab: PooledBuffer,
    offset: number,
  ): void {
    this.#sectors.push(sector);
    this.#counts.push(count);
    this.#commands.push(command);
    this.#flags.push(flags);
    this.#slabs.push(slab);
    this.#offsets.push(offset);
  }

  /** Drops so many of the first entries, and the slabs that only they lie in. */
  #drop(entries: number): void {
    if (entries <= 0) return;
    this.#first += Math.min(entries, this.#sectors.length);
    const lists = [this.#sectors, this.#counts, this.#commands, this.#flags, this.#slabs, this.#offsets];
    for (const list of lists) list.splice(0, entries);
    const first = this.#slabs.find((slab) => slab !== NO_DATA);
    const unused = first === undefined ? this.#filled.length : this.#filled.indexOf(first);
    for (const slab of this.#filled.splice(0, unused)) this.#pool.put(slab);
    if (this.#filled.length === 0) this.#used = SLAB_BYTES;
  }
}
