import {
  API_VERSION,
  type Bio,
  BioOp,
  type Driver,
  type DriverType,
  type Extent,
  fail,
  type Limits,
  makeLimits,
  MapResult,
  mergeExtents,
  type OpenRequest,
  Status,
} from '@interposer/core';
import type { Content } from './content.ts';
import type { CrashState } from './crash-state.ts';
import { Scratch } from './scratch.ts';

/** A state as a disk: what is written to it is kept in memory until it is closed. */
class CrashImage implements Driver {
  readonly limits: Limits;
  readonly #content: Content;
  readonly #scratch = new Scratch();

  constructor({ content }: CrashState) {
    const { logicalBlock, physicalBlock } = content.base.port.limits;
    this.limits = makeLimits(content.base.sectors, { logicalBlock, physicalBlock });
    this.#content = content;
  }

  submit(bio: Bio): MapResult {
    const { op, sector, count } = bio;
    if (op === BioOp.Read) this.#read(bio);
    else {
      if (op === BioOp.Write) this.#scratch.write(sector, count, bio.buffer, bio.bufferOffset);
      else if (op !== BioOp.Flush) this.#zero(sector, count);
      bio.complete(Status.Ok);
    }
    return MapResult.Submitted;
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const found: Extent[] = [];
    for (const { start, length, written } of this.#scratch.runs(sector, count)) {
      if (written) found.push({ sector: start, count: length, hole: false, zero: false });
      else found.push(...this.#content.extents(start, length));
    }
    return mergeExtents(found);
  }

  async close(): Promise<void> {
    this.#scratch.clear();
  }

  #read(bio: Bio): void {
    const { sector, count, buffer, bufferOffset } = bio;
    if (this.#content.readNow(sector, count, buffer, bufferOffset)) this.#finishRead(bio);
    else {
      this.#content.readInto(sector, count, buffer, bufferOffset).then(
        () => this.#finishRead(bio),
        () => bio.complete(Status.Io),
      );
    }
  }

  #finishRead(bio: Bio): void {
    this.#scratch.read(bio.sector, bio.count, bio.buffer, bio.bufferOffset);
    bio.complete(Status.Ok);
  }

  /** Only where there is something: a discard may be as large as the disk. */
  #zero(sector: number, count: number): void {
    for (const { start, length, written } of this.#scratch.runs(sector, count)) {
      if (written) this.#scratch.zero(start, length);
      else {
        for (const extent of this.#content.extents(start, length))
          if (!extent.zero) this.#scratch.zero(extent.sector, extent.count);
      }
    }
  }
}

/** A state as a driver of core, for who has a place for one. Its base must stay open as long. */
export function crashImage(state: CrashState): Driver {
  return new CrashImage(state);
}

/** A driver type over states that a program has in hand: `crash:ID` is the state of that id. */
export class CrashImageDriver implements DriverType {
  readonly kind = 'driver';
  readonly api: number = API_VERSION;
  readonly name = 'crash';
  readonly version: readonly [number, number, number] = [1, 0, 0];
  readonly schemes: readonly string[] = ['crash'];
  readonly major = 1;
  readonly #states = new Map<string, CrashState>();

  /** Answers the name that the state is opened by. Each time it is opened it is as it was, whatever was written to it before. */
  add(state: CrashState): string {
    this.#states.set(state.id, state);
    return `${this.name}:${state.id}`;
  }

  /** It cannot be opened any more; where it is open it stays so. */
  remove({ id }: CrashState): void {
    this.#states.delete(id);
  }

  identify(spec: string): Promise<string> {
    return Promise.resolve(`${this.name}:${spec}`);
  }

  open({ spec }: OpenRequest): Promise<Driver> {
    const state = this.#states.get(spec);
    if (state === undefined) return Promise.reject(fail('ENOENT', `there is no crash state "${spec}"`));
    return Promise.resolve(new CrashImage(state));
  }
}

/** A driver type for an engine, with no states yet. */
export function crashImageDriver(): CrashImageDriver {
  return new CrashImageDriver();
}
