import { Random } from '@interposer/conformance';
import type { ContextExtent } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { DirtyBitmap, MOST_BLOCKS } from '../src/dirty-bitmap.ts';
import { dirtyExtents } from '../src/dirty-extents.ts';

/** The same in the plainest way: the set of the dirty blocks. */
class Model {
  readonly blocks = new Set<number>();
  readonly sectors: number;
  readonly #size: number;

  constructor(sectors: number, granularity: number) {
    this.sectors = sectors;
    this.#size = granularity / 512;
  }

  mark(sector: number, count: number): void {
    const end = Math.min(sector + count, this.sectors);
    for (let at = sector; at < end; at++) this.blocks.add(Math.floor(at / this.#size));
  }

  merge(other: Model): void {
    for (const block of other.blocks) if (block * this.#size < this.sectors) this.blocks.add(block);
  }

  isDirty(sector: number): boolean {
    return sector >= this.sectors || this.blocks.has(Math.floor(sector / this.#size));
  }

  extents(sector: number, count: number): ContextExtent[] {
    const extents: ContextExtent[] = [];
    for (let at = sector; at < sector + count; at++) {
      const flags = this.isDirty(at) ? 1 : 0;
      const last = extents.at(-1);
      if (last?.flags === flags) extents[extents.length - 1] = { ...last, count: last.count + 1 };
      else extents.push({ sector: at, count: 1, flags });
    }
    return extents;
  }
}

function pair(random: Random, granularity: number, sectors: number): readonly [DirtyBitmap, Model] {
  const bitmap = new DirtyBitmap(sectors, granularity);
  const model = new Model(sectors, granularity);
  const marks = random.pick([0, 3, 30, 300]);
  for (let i = 0; i < marks; i++) {
    const sector = random.below(sectors);
    const count = random.between(1, random.pick([1, 8, 8, sectors]));
    bitmap.mark(sector, count);
    model.mark(sector, count);
  }
  return [bitmap, model];
}

function expectSame(bitmap: DirtyBitmap, model: Model, random: Random): void {
  expect(bitmap.dirty).toBe(model.blocks.size);
  const beyond = model.sectors + 100;
  expect(dirtyExtents(bitmap, 0, beyond)).toEqual(model.extents(0, beyond));
  for (let i = 0; i < 10; i++) {
    const sector = random.below(beyond);
    const count = random.between(1, beyond - sector);
    expect(dirtyExtents(bitmap, sector, count)).toEqual(model.extents(sector, count));
  }
}

describe.each([512, 1024, 4096, 65_536])(
  'a bitmap of blocks of %i bytes and a set of blocks are the same',
  (granularity) => {
    // Sizes around the 32 blocks of a word, and one that is no whole number of blocks.
    const sizes = [1, 31, 32, 33, 64, 100].map((blocks) => (blocks * granularity) / 512);
    const sectors = [...sizes, 1, 777, 5000];

    it.each(sectors)('marked and merged, %i sectors', (size) => {
      const random = new Random(size * granularity);
      for (let round = 0; round < 5; round++) {
        const [bitmap, model] = pair(random, granularity, size);
        expectSame(bitmap, model, random);
        const [other, otherModel] = pair(random, granularity, random.pick(sectors));
        bitmap.merge(other);
        model.merge(otherModel);
        expectSame(bitmap, model, random);
        expectSame(other, otherModel, random);
      }
    });

    it.each(sectors)('with another size, %i sectors', (size) => {
      const random = new Random(size + granularity);
      for (let round = 0; round < 5; round++) {
        const [bitmap, model] = pair(random, granularity, random.pick(sectors));
        const resized = new Model(size, granularity);
        resized.merge(model);
        resized.mark(model.sectors, Math.max(0, size - model.sectors));
        expectSame(bitmap.resized(size), resized, random);
        expectSame(bitmap, model, random);
      }
    });
  },
);

describe('a bitmap', () => {
  it('for the largest devices: positions beyond 32 bits', () => {
    const sectors = 2 ** 30 * 128;
    const bitmap = new DirtyBitmap(sectors, 65_536);
    expect(bitmap.blocks).toBe(MOST_BLOCKS);
    bitmap.mark(sectors - 1, 1);
    bitmap.mark(2 ** 32 + 5, 200);
    expect(bitmap.dirty).toBe(3);
    expect(dirtyExtents(bitmap, 0, sectors)).toEqual([
      { sector: 0, count: 2 ** 32, flags: 0 },
      { sector: 2 ** 32, count: 256, flags: 1 },
      { sector: 2 ** 32 + 256, count: sectors - 2 ** 32 - 384, flags: 0 },
      { sector: sectors - 128, count: 128, flags: 1 },
    ]);
  });

  it('for a device that is too large: what has no bits is dirty', () => {
    const sectors = MOST_BLOCKS + 10;
    const bitmap = new DirtyBitmap(sectors, 512);
    bitmap.mark(MOST_BLOCKS, 10);
    expect(bitmap.dirty).toBe(0);
    expect(dirtyExtents(bitmap, MOST_BLOCKS - 5, 15)).toEqual([
      { sector: MOST_BLOCKS - 5, count: 5, flags: 0 },
      { sector: MOST_BLOCKS, count: 10, flags: 1 },
    ]);
  });
});
