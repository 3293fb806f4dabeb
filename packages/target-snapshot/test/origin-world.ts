import type { ChaosDisk } from '@interposer/conformance';
import { expect } from 'vitest';
import { sectorsOf, World } from './world.ts';

/** Of the origin. */
export const SECTORS = 256;

/** The table of a device over the origin. */
export const ORIGIN = `0 ${String(SECTORS)} snapshot-origin chaos:disk`;

/** A table of the origin and a store. */
export function table(words: string, type = 'snapshot', name = 'a'): string {
  return `0 ${String(SECTORS)} ${type} chaos:disk chaos:${name} ${words}`;
}

/** A world with an origin, whose sectors bear their numbers from 1 on, and two stores, `a` and `b`. */
export class OriginWorld extends World {
  readonly origin: ChaosDisk;
  readonly store: ChaosDisk;

  constructor() {
    super();
    this.origin = this.disk('disk', { sectors: SECTORS });
    this.origin.data.set(sectorsOf(Array.from({ length: SECTORS }, (_, sector) => sector + 1)));
    this.store = this.disk('a', { sectors: 512 });
    this.disk('b', { sectors: 512 });
  }

  /** Takes everything down, whatever the disks were doing; no timer may be left. */
  async finish(): Promise<void> {
    for (const one of [this.origin, this.store]) {
      one.heal();
      one.release();
    }
    await this.close();
    expect(this.clock.pending).toBe(0);
  }
}
