import { type Bio, BioOp, type Port, PreResult, Random, SECTOR_SIZE, SEEDS, Status } from '@interposer/core';
import type { Finisher } from '../altered.ts';
import { flipBits } from '../rot.ts';
import type { ChaosAction } from '../rule.ts';
import type { Effect, EffectContext } from './effect.ts';

/** The unit of I/O of a device, in sectors. Nothing is torn or goes astray within one. */
function blockOf({ limits }: Port): number {
  return limits.logicalBlock / SECTOR_SIZE;
}

/** Only the first sectors of a write get through. */
export class Tear implements Effect, Finisher {
  readonly #context: EffectContext;
  readonly #sectors: number | undefined;
  readonly #acknowledges: boolean;

  constructor(context: EffectContext, { sectors, ack = true }: ChaosAction & { kind: 'torn' }) {
    this.#context = context;
    this.#sectors = sectors;
    this.#acknowledges = ack;
  }

  apply(bio: Bio): PreResult {
    const { descent, altered } = this.#context;
    const kept = this.#keptOf(bio.count);
    if (kept >= bio.count) return descent.send(bio);
    if (kept === 0) {
      bio.result = this.#acknowledges ? Status.Ok : Status.Io;
      return PreResult.Complete;
    }
    altered.watch(bio, this.#acknowledges ? null : this);
    bio.count = kept;
    return descent.send(bio);
  }

  finish(bio: Bio): void {
    bio.status = Status.Io;
  }

  #keptOf(count: number): number {
    const { port, random } = this.#context;
    const block = blockOf(port);
    const blocks =
      this.#sectors === undefined ? random.below(count / block) : Math.floor(this.#sectors / block);
    return blocks * block;
  }
}

/** The bio goes to another place of the device. */
export class Misdirect implements Effect {
  readonly #context: EffectContext;
  readonly #by: number | 'random';

  constructor(context: EffectContext, by: number | 'random') {
    this.#context = context;
    this.#by = by;
  }

  /** Whoever sees the bio on its way up sees it in its right place again: core restores the sector for each. */
  apply(bio: Bio): PreResult {
    const { descent, port } = this.#context;
    const block = blockOf(port);
    const last = port.limits.sectors - bio.count;
    bio.sector =
      this.#by === 'random' ? this.#anywhere(bio, last / block) * block : shifted(bio, this.#by, last, block);
    return descent.send(bio);
  }

  /** A block that the bio can begin at and does not, and outside its own range if there is room. */
  #anywhere({ sector, count }: Bio, last: number): number {
    const { random, port } = this.#context;
    const block = blockOf(port);
    const [own, length] = [sector / block, count / block];
    const before = Math.max(0, own - length + 1);
    const behind = Math.max(0, last - own - length + 1);
    if (before + behind > 0) {
      const at = random.below(before + behind);
      return at < before ? at : own + length + at - before;
    }
    if (last === 0) return 0;
    const at = random.below(last);
    return at < own ? at : at + 1;
  }
}

/** So far away in whole blocks; where the device ends before, so far the other way, and where it ends there too, at its end. */
function shifted({ sector }: Bio, by: number, last: number, block: number): number {
  const distance = Math.ceil(Math.abs(by) / block) * block * Math.sign(by);
  const isInside = (place: number): boolean => place >= 0 && place <= last;
  if (isInside(sector + distance)) return sector + distance;
  if (isInside(sector - distance)) return sector - distance;
  return sector > last - sector ? 0 : last;
}

/** Bits of the data are flipped: of a read in what is returned, of a write in what is stored. */
export class Rot implements Effect, Finisher {
  readonly #context: EffectContext;
  readonly #wanted: { readonly bits: number; readonly at: number | undefined };

  constructor(context: EffectContext, { bits = 1, at }: ChaosAction & { kind: 'rot' }) {
    this.#context = context;
    this.#wanted = { bits, at };
  }

  apply(bio: Bio): PreResult {
    const { random, altered, descent } = this.#context;
    // Drawn now, so that the order in which reads end makes no difference.
    const draw = random.below(SEEDS);
    if (bio.op === BioOp.Read) altered.watch(bio, this, draw);
    else {
      altered.copyData(bio);
      this.finish(bio, draw);
    }
    return descent.send(bio);
  }

  finish({ buffer, bufferOffset, count }: Bio, draw: number): void {
    flipBits(buffer, bufferOffset, count * SECTOR_SIZE, this.#wanted, new Random(draw));
  }
}

/** A read returns what was there before the last write. */
export class Stale implements Effect, Finisher {
  readonly #context: EffectContext;

  constructor(context: EffectContext) {
    this.#context = context;
  }

  apply(bio: Bio): PreResult {
    const { altered, descent } = this.#context;
    altered.watch(bio, this);
    return descent.send(bio);
  }

  finish({ sector, count, buffer, bufferOffset }: Bio): void {
    this.#context.descent.history?.overlay(sector, count, buffer, bufferOffset);
  }
}
