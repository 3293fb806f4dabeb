import { describe, expect, it } from 'vitest';
import { compareAltitudes, parseAltitude, Random } from '../src/index.ts';
import { shuffled } from './support/rig.ts';

describe('parseAltitude', () => {
  it.each([
    ['140000', '140000'],
    ['0140000', '140000'],
    ['0', '0'],
    ['000', '0'],
    ['140000.50', '140000.5'],
    ['140000.0', '140000'],
    ['0.05', '0.05'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseAltitude(text)).toBe(canonical);
  });

  it.each(['', '-1', '+1', '1e3', '0x10', '.5', '5.', '1.2.3', ' 1', 'high', 'NaN'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseAltitude(text)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    },
  );
});

describe('compareAltitudes', () => {
  const ASCENDING = [
    '0',
    '0.05',
    '0.5',
    '9',
    '10',
    '140000',
    '140000.1',
    '140000.15',
    '140000.2',
    '9007199254740993',
    '9007199254740993.0000000000000000001',
    '9007199254740994',
  ];

  it('is exact beyond what a number holds, whatever the order they come in', () => {
    const random = new Random(1);
    for (let round = 0; round < 20; round++)
      expect(shuffled(ASCENDING, random).sort(compareAltitudes)).toEqual(ASCENDING);
  });

  it('finds equal numbers equal', () => {
    expect(compareAltitudes(parseAltitude('01.50'), parseAltitude('1.5'))).toBe(0);
  });
});
