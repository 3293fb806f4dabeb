import { BioFlag, BioOp, type Random, SECTOR_SIZE, Status } from '@interposer/core';
import { Oracle } from './oracle.ts';
import { type Setup, filled, valuesOf } from './setup.ts';

const LONGEST = 9;
const LAST_VALUE = 0xffff;

/** What happens how often. */
export interface Mix {
  /** Requests of the history. */
  readonly requests: number;
  /** Shares of all requests; the rest are cached writes. */
  readonly flushes: number;
  readonly fuas: number;
  readonly reads: number;
  readonly discards: number;
  /** Share of the writes that go past the cache. */
  readonly past: number;
  /** How often something below begins to fail. */
  readonly failures: number;
}

/** A random history of concurrent requests, with an oracle that watches. */
export class History {
  readonly oracle: Oracle;
  readonly problems: string[] = [];
  /** Values of the writes that were acknowledged, in that order, with their ranges. */
  readonly acknowledged: { readonly sector: number; readonly count: number; readonly value: number }[] = [];
  /** How many of them a flush covers that went well. */
  flushed = 0;
  readonly #setup: Setup;
  readonly #random: Random;
  readonly #mix: Mix;
  readonly #sectors: number;
  /** Sectors of writes under way. */
  readonly #busy = new Set<number>();
  readonly #past = new Set<number>();
  #inFlight = 0;
  #value = 0;

  constructor(setup: Setup, random: Random, mix: Mix) {
    this.#setup = setup;
    this.#random = random;
    this.#mix = mix;
    this.#sectors = setup.disk.limits.sectors;
    this.oracle = new Oracle(this.#sectors);
    setup.isCached = (bio) => !this.#past.has(bio.sector);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Sends all requests; some may be under way at the end. */
  run(): void {
    for (let i = 0; i < this.#mix.requests; i++) {
      this.#one();
      if (this.#random.chance(0.4)) this.#setup.clock.advance(this.#random.between(0, 3));
    }
  }

  /** Why the disk below cannot be as it is after the power failed. */
  checkStable(): string | undefined {
    return this.oracle.checkStable(this.#setup.stable(0, this.#sectors));
  }

  #one(): void {
    const random = this.#random;
    const { flushes, fuas, reads, discards, past, failures } = this.#mix;
    if (random.chance(failures)) this.#failOnce();
    const count = random.between(1, LONGEST);
    const sector = random.below(this.#sectors - count + 1);
    const dice = random.next();
    if (dice < flushes) this.#flush();
    else if (dice < flushes + reads) this.#read(sector, count);
    else if (this.#isBusy(sector, count)) return;
    else if (dice < flushes + reads + discards)
      this.#write(random.pick([BioOp.Discard, BioOp.WriteZeroes]), sector, count, 0);
    else if (dice < flushes + reads + discards + fuas) this.#write(BioOp.Write, sector, count, BioFlag.Fua);
    else this.#plainWrite(sector, count, random.chance(past));
  }

  #plainWrite(sector: number, count: number, isPast: boolean): void {
    if (isPast) this.#past.add(sector);
    this.#write(BioOp.Write, sector, count, 0);
    this.#past.clear();
  }

  #failOnce(): void {
    const op = this.#random.pick([BioOp.Write, BioOp.Flush, BioOp.Read, BioOp.Discard]);
    this.#setup.disk.fail(Status.Io, { op, times: 1 });
  }

  #isBusy(sector: number, count: number): boolean {
    for (let at = sector; at < sector + count; at++) if (this.#busy.has(at)) return true;
    return false;
  }

  #write(op: BioOp, sector: number, count: number, flags: number): void {
    this.#value = (this.#value % LAST_VALUE) + 1;
    const value = op === BioOp.Write ? this.#value : 0;
    const buffer = op === BioOp.Write ? filled(sector, count, value) : null;
    for (let at = sector; at < sector + count; at++) this.#busy.add(at);
    this.oracle.sent(sector, count, value);
    this.#inFlight++;
    this.#setup.send(op, sector, count, buffer, flags, (status) => {
      // What the sender does with its buffer afterwards is none of the cache's business.
      buffer?.fill(0xee);
      this.#inFlight--;
      for (let at = sector; at < sector + count; at++) this.#busy.delete(at);
      if (status !== Status.Ok) return;
      this.oracle.acknowledged(sector, count, (flags & BioFlag.Fua) !== 0);
      this.acknowledged.push({ sector, count, value });
    });
  }

  #flush(): void {
    const cover = this.oracle.cover();
    const covered = this.acknowledged.length;
    this.#inFlight++;
    this.#setup.send(BioOp.Flush, 0, 0, null, 0, (status) => {
      this.#inFlight--;
      if (status !== Status.Ok) return;
      this.oracle.flushed(cover);
      this.flushed = Math.max(this.flushed, covered);
    });
  }

  #read(sector: number, count: number): void {
    const buffer = new Uint8Array(count * SECTOR_SIZE).fill(0xa5);
    const mark = this.oracle.mark(sector, count);
    this.#inFlight++;
    this.#setup.send(BioOp.Read, sector, count, buffer, 0, (status) => {
      this.#inFlight--;
      if (status !== Status.Ok) return;
      const problem = this.oracle.checkRead(sector, valuesOf(buffer, sector), mark);
      if (problem !== undefined) this.problems.push(`read: ${problem}`);
    });
  }
}
