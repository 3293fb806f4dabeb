import { Random } from '@interposer/core';
import { expect, it } from 'vitest';
import { ChunkTable, NO_CHUNK } from '../src/chunk-table.ts';

it.each([
  ['few and close', 40, 1],
  ['many and close', 5000, 1],
  ['far apart', 3000, 4096],
  ['up to 32 bits', 3000, 1_431_655],
])('a table of chunks is a map: %s', (_, range, step) => {
  const random = new Random(range);
  const table = new ChunkTable();
  const map = new Map<number, number>();
  for (let i = 0; i < 30_000; i++) {
    const chunk = random.below(range) * step;
    if (random.chance(0.4)) {
      table.delete(chunk);
      map.delete(chunk);
    } else {
      table.set(chunk, i);
      map.set(chunk, i);
    }
    const other = random.below(range) * step;
    if (table.get(other) !== (map.get(other) ?? NO_CHUNK))
      expect.fail(`${String(other)} after ${String(i)} changes`);
  }
  expect(table.size).toBe(map.size);
  for (const [chunk, number] of map) expect(table.get(chunk)).toBe(number);
});
