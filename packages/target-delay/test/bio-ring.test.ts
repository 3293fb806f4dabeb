import { Bio } from '@interposer/core';
import { Random } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { BioRing } from '../src/bio-ring.ts';

describe('BioRing', () => {
  it('gives back what it was given, in order, however it grows and wraps', () => {
    const ring = new BioRing();
    const model: [Bio, number, number][] = [];
    const random = new Random(1);
    for (let step = 0; step < 2000; step++) {
      // Grows at first and shrinks later.
      if (random.chance(step < 1000 ? 0.6 : 0.4)) {
        const entry: [Bio, number, number] = [new Bio(), step / 3, step];
        ring.push(...entry);
        model.push(entry);
      } else if (model.length > 0) {
        const [bio, due, number] = model.shift()!;
        expect([ring.firstDue, ring.firstNumber]).toEqual([due, number]);
        expect(ring.shift()).toBe(bio);
      }
      expect(ring.length).toBe(model.length);
    }
  });

  it('has no first one while it is empty', () => {
    const ring = new BioRing();
    expect([ring.firstDue, ring.firstNumber]).toEqual([Infinity, Infinity]);
    ring.push(new Bio(), 5, 1);
    ring.shift();
    expect([ring.length, ring.firstDue, ring.firstNumber]).toEqual([0, Infinity, Infinity]);
  });
});
