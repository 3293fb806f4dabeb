import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { LogWrite } from '../src/log-write.ts';
import { Overlay, type Segment } from '../src/overlay.ts';
import { quotas } from '../src/quotas.ts';
import { Scratch } from '../src/scratch.ts';
import { tearsOf } from '../src/tears.ts';

describe('quotas', () => {
  it.each([
    [[], 10, []],
    [[3, 3], 10, [3, 3]],
    [[100, 2, 100], 10, [4, 2, 4]],
    [[100, 2, 100], 11, [5, 2, 4]],
    [[5, 5, 5, 5, 5, 5], 3, [1, 0, 1, 0, 1, 0]],
    [[0, 5, 1], 4, [0, 3, 1]],
    [[Infinity, 1, Infinity], Infinity, [Infinity, 1, Infinity]],
    [[Infinity, Infinity], 9, [5, 4]],
    [[7, 9], Infinity, [7, 9]],
  ])('%j share %d as %j', (wanted, total, shares) => {
    expect(quotas(wanted, total)).toEqual(shares);
  });
});

describe('tears', () => {
  function tears(sector: number, count: number, unit: number) {
    const write = new LogWrite({ entry: 0, sector, count, kind: 'write' }, null);
    return tearsOf(write, unit, new Random(1));
  }

  it('of a write of few units are all subsets of them', () => {
    expect(tears(3, 1, 512)).toEqual({ tears: [], space: 0 });
    expect(tears(3, 2, 512)).toEqual({ tears: [[[0, 1]], [[1, 2]]], space: 2 });
    const { tears: four, space } = tears(0, 4, 512);
    expect(space).toBe(14);
    expect(new Set(four.map(String)).size).toBe(14);
    expect(four).toContainEqual([
      [0, 1],
      [2, 4],
    ]);
  });

  it('are at multiples of the unit on the disk', () => {
    expect(tears(3, 8, 4096).tears).toEqual([[[0, 5]], [[5, 8]]]);
    expect(tears(8, 8, 4096).tears).toEqual([]);
    expect(tears(7, 10, 4096).tears).toHaveLength(6);
  });

  it('of a write of many units are a first part or the rest, drawn where there are too many', () => {
    expect(tears(0, 9, 512).tears).toHaveLength(16);
    const { tears: drawn, space } = tears(0, 1000, 512);
    expect(space).toBe(2 ** 1000 - 2);
    expect(drawn).toHaveLength(16);
    expect(drawn).toContainEqual([[0, 1]]);
    expect(drawn).toContainEqual([[999, 1000]]);
    for (const tear of drawn) {
      const [[from, to]] = tear as unknown as [[number, number]];
      expect(from === 0 ? to < 1000 : to === 1000).toBe(true);
    }
    expect(tears(0, 2 ** 40, 512).tears).toHaveLength(16);
  });
});

describe('an overlay', () => {
  it('gives the topmost write of each sector: random ones', () => {
    const random = new Random(5);
    let overlay = Overlay.EMPTY;
    const model: (number | null)[] = Array.from({ length: 60 }, () => null);
    for (let entry = 0; entry < 200; entry++) {
      const segments: Segment[] = [];
      for (let sector = random.below(20); sector < 60; sector += random.between(1, 25)) {
        const count = random.between(1, Math.min(5, 60 - sector));
        const write = new LogWrite({ entry, sector, count, kind: 'discard' }, null);
        segments.push({ sector, count, write });
        model.fill(entry, sector, sector + count);
        sector += count;
      }
      overlay = overlay.under(new Overlay(segments));
      const start = random.below(60);
      const length = random.between(1, 60 - start);
      const parts = overlay.parts(start, length);
      const found = parts.flatMap(({ write, count }) =>
        Array.from({ length: count }, () => write?.entry ?? null),
      );
      expect(found).toEqual(model.slice(start, start + length));
      expect(parts[0]?.sector).toBe(start);
    }
  });
});

describe('scratch memory', () => {
  it('keeps what was written, and knows what was not: random requests', () => {
    const random = new Random(9);
    const scratch = new Scratch();
    const [sectors, unwritten] = [400, 0xff];
    const model = new Uint8Array(sectors).fill(unwritten);
    for (let request = 0; request < 300; request++) {
      const sector = random.below(sectors);
      const count = random.between(1, Math.min(150, sectors - sector));
      const letter = random.between(1, 100);
      const kind = random.next();
      if (kind < 0.1) scratch.zero(sector, count);
      else if (kind < 0.2) scratch.write(sector, count, new Uint8Array(count * 512 + 7).fill(letter), 7);
      else {
        const into = new Uint8Array(count * 512 + 3).fill(unwritten);
        scratch.read(sector, count, into, 3);
        const found = Array.from({ length: count }, (_, index) => into[3 + index * 512 + 511]);
        expect(found).toEqual([...model.subarray(sector, sector + count)]);
        const runs = scratch.runs(sector, count);
        const written = runs.flatMap((run) => Array.from({ length: run.length }, () => run.written));
        expect(written).toEqual(
          [...model.subarray(sector, sector + count)].map((byte) => byte !== unwritten),
        );
        continue;
      }
      const value = new Uint8Array(512);
      scratch.read(sector, 1, value, 0);
      model.fill(value[0]!, sector, sector + count);
    }
    scratch.clear();
    expect(scratch.runs(0, sectors)).toEqual([{ start: 0, length: sectors, written: false }]);
  });
});
