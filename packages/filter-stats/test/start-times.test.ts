import { Random } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { StartTimes } from '../src/start-times.ts';

it('gives back the time of each slot, whatever the order and however many there are', () => {
  const random = new Random(1);
  const starts = new StartTimes();
  const underWay = new Map<number, number>();
  for (let step = 0; step < 20_000; step++) {
    const grows = random.chance(step < 10_000 ? 0.6 : 0.4);
    if (grows) {
      const slot = starts.put(step);
      expect(underWay.has(slot)).toBe(false);
      underWay.set(slot, step);
    } else if (underWay.size > 0) {
      const slot = random.pick([...underWay.keys()].slice(0, 50));
      expect(starts.take(slot)).toBe(underWay.get(slot));
      underWay.delete(slot);
    }
  }
});

it('uses slots again', () => {
  const starts = new StartTimes();
  for (let time = 0; time < 100_000; time++) {
    const slot = starts.put(time);
    expect(slot).toBeLessThan(64);
    starts.take(slot);
  }
});
