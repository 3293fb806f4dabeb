import { Random } from '@interposer/core';
import { expect, it } from 'vitest';
import { DelayHeap } from '../src/delay-heap.ts';

it('comes out in the order of time, then of arrival', () => {
  const heap = new DelayHeap();
  const random = new Random(9);
  const items = Array.from({ length: 2000 }, (_, order) => ({ due: random.below(50), order }));
  for (const { due, order } of items) heap.push({ bio: null as never, tag: '', since: 0, due, order });
  const out = items.map(() => heap.shift()).map(({ due, order }) => ({ due, order }));
  expect(out).toEqual([...items].sort((a, b) => a.due - b.due || a.order - b.order));
  expect(heap.length).toBe(0);
});
