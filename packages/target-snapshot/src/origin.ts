import { type Bio, type BlockDevice, Status } from '@interposer/core';
import { NO_CHUNK } from './chunk-table.ts';
import type { Exceptions } from './exceptions.ts';
import type { PendingException } from './pending-exception.ts';
import { WriteGeneration } from './write-generation.ts';

/** A write that is larger goes on when so many chunks are copied out. */
const MOST_BEGUN = 256;

/** A snapshot as its origin sees it. */
export interface OriginMember {
  /** The device its store is on. */
  readonly cowDevice: BlockDevice;
  /** The mapped device whose table it is in. */
  readonly mapped: BlockDevice | null;
  /** It is being merged, or would be: nothing is copied out for it. */
  readonly merges: boolean;
  /** Writes to the origin are copied out from its first resume on. */
  readonly active: boolean;
  readonly suspended: boolean;
  /** The sector behind its last. */
  readonly end: number;
  /** Null while another one has them that is to hand them over. */
  readonly exceptions: Exceptions | null;
}

/**
 * What stands on one device: its snapshots, and the writes to it through `snapshot-origin` and `snapshot-merge`, which wait
 * until what they change is copied out. Kernel: struct origin.
 */
export class Origin {
  /** Largest chunks first. */
  readonly #members: OriginMember[] = [];
  /** Writes under way, those of each time between two snapshots by themselves; the last is the present. */
  #generations: WriteGeneration[] = [new WriteGeneration()];

  get members(): readonly OriginMember[] {
    return this.#members;
  }

  add(member: OriginMember): void {
    this.#members.push(member);
    this.sort();
  }

  remove(member: OriginMember): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
  }

  /** To be called when the chunk size of one is known. */
  sort(): void {
    this.#members.sort((a, b) => (b.exceptions?.chunkSectors ?? 0) - (a.exceptions?.chunkSectors ?? 0));
  }

  /**
   * A snapshot comes into being: it holds what is written up to now. The writes that are under way must have ended before
   * anything is read in its name.
   */
  beginGeneration(exceptions: Exceptions): void {
    const busy = this.#generations.filter(({ count }) => count > 0);
    this.#generations = [...busy, new WriteGeneration()];
    if (busy.length === 0) return;
    exceptions.unsettle(busy.length);
    for (const generation of busy) {
      generation.whenOver(() => {
        exceptions.generationEnded();
      });
    }
  }

  /** The writes of the present. */
  get generation(): WriteGeneration {
    return this.#generations.at(-1)!;
  }

  /** Whether a write may go to the origin now; if not it is held, and goes as soon as it may. Its port is set already. */
  admit(bio: Bio): boolean {
    if (this.#members.length === 0 || !this.#copyOut(bio.sector, bio.count, bio, null)) {
      this.generation.enter(bio);
      return true;
    }
    return false;
  }

  /** A held write tries again, unless core has failed it meanwhile, for its device is lost. */
  retry(bio: Bio): void {
    if (bio.status !== Status.Pending) return;
    if (this.admit(bio)) bio.port!.forward(bio);
  }

  /** As `admit`, for sectors that are going to be written by other means. False: it calls back when that is worth a try. */
  admitRange(sector: number, count: number, callback: () => void): boolean {
    return !this.#copyOut(sector, count, null, callback);
  }

  /**
   * Has everything copied out that a write would change. True: something is under way, for which the bio, or the callback,
   * waits. Nothing is started before it does, for a copy may be done at once.
   */
  #copyOut(sector: number, count: number, bio: Bio | null, callback: (() => void) | null): boolean {
    let waits = false;
    for (const member of this.#members) {
      const { exceptions } = member;
      if (exceptions === null || member.merges || !member.active || sector >= member.end) continue;
      const end = Math.min(sector + count, member.end);
      const last = exceptions.valid ? beginAll(exceptions, sector, end) : null;
      if (waits || (last === null && !exceptions.dropping.active)) continue;
      waits = true;
      if (exceptions.dropping.active) {
        if (bio !== null) exceptions.dropping.passBio(bio);
        if (callback !== null) exceptions.dropping.pass(callback);
      } else {
        if (bio !== null) last!.originBios.push(bio);
        if (callback !== null) last!.waiters.push(callback);
      }
    }
    if (waits) for (const { exceptions } of this.#members) exceptions?.startCopies();
    return waits;
  }
}

/**
 * Begins an exception for each chunk of some sectors that has none, or for the first of them where there are many. One that
 * is on its way, of the last begun if there are such; null: none is.
 */
function beginAll(exceptions: Exceptions, sector: number, end: number): PendingException | null {
  let last: PendingException | null = null;
  let left = MOST_BEGUN;
  const lastChunk = exceptions.chunkOf(end - 1);
  for (let chunk = exceptions.chunkOf(sector); chunk <= lastChunk && left > 0; chunk++) {
    const pending = exceptions.pendingAt(chunk);
    if (pending !== null) {
      last = pending;
      continue;
    }
    if (exceptions.find(chunk) !== NO_CHUNK) continue;
    last = exceptions.begin(chunk, false);
    if (last === null) {
      exceptions.invalidate('Unable to allocate exception');
      return null;
    }
    exceptions.copyLater(last);
    left--;
  }
  return last;
}
