import { Random } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { type ByteCorruption, featureText, type Features, parseFeatures } from '../src/features.ts';

/** Features that may be together, at random. */
function randomFeatures(random: Random): Features {
  const writes = random.pick(['pass', 'fail', 'drop']);
  const corruption: ByteCorruption = {
    byte: random.between(1, 2 ** 32 - 1),
    direction: writes === 'pass' ? random.pick(['r', 'w'] as const) : 'r',
    value: random.below(256),
    flags: random.below(2 ** 32),
  };
  return {
    errorReads: random.chance(0.3),
    dropWrites: writes === 'drop',
    errorWrites: writes === 'fail',
    corruption: random.chance(0.5) ? corruption : undefined,
    randomRead: random.chance(0.3) ? random.between(1, 1e9) : 0,
    randomWrite: random.chance(0.3) ? random.between(1, 1e9) : 0,
    seed: random.chance(0.5) ? random.below(2 ** 32) : undefined,
  };
}

describe('the features of flakey', () => {
  it('are the same after a turn through their text', () => {
    const random = new Random(5);
    for (let i = 0; i < 1000; i++) {
      const features = randomFeatures(random);
      const { errorReads, dropWrites, errorWrites, corruption, randomRead, randomWrite } = features;
      const none =
        !errorReads &&
        !dropWrites &&
        !errorWrites &&
        corruption === undefined &&
        randomRead + randomWrite === 0;
      const expected = none ? { ...features, errorReads: true, errorWrites: true } : features;
      const text = featureText(features);
      expect(parseFeatures(text.split(' '), true), text).toEqual(expected);
      expect(text.split(' ')).toHaveLength(Number(text.split(' ')[0]) + 1);
    }
  });

  it.each([
    ['2 seed x', 'Invalid seed'],
    ['2 seed 4294967296', 'Invalid seed'],
    ['1 seed', 'Feature seed requires a parameter'],
    ['14 '.padEnd(40, 'seed 1 '), 'Invalid number of feature args'],
  ])('refuse %s where a seed may be', (text, reason) => {
    expect(() => parseFeatures(text.split(' '), true)).toThrow(reason);
  });

  it('have no seed where the kernel knows none', () => {
    expect(() => parseFeatures(['2', 'seed', '5'], false)).toThrow('Unrecognised flakey feature requested');
  });
});
