import { describe, expect, it } from 'vitest';
import { parseSize } from '../src/size.ts';

describe('the size of a ram device', () => {
  it.each([
    ['512', 1],
    ['1048576', 2048],
    ['131072s', 131072],
    ['1s', 1],
    ['1K', 2],
    ['64M', 131072],
    ['1G', 2 ** 21],
    ['1T', 2 ** 31],
    ['8191T', 8191 * 2 ** 31],
  ])('%s is %i sectors', (text, sectors) => {
    expect(parseSize(text)).toBe(sectors);
  });

  it.each([
    ['', /"" is no size/],
    ['64', /"64" is no whole number of sectors of 512 bytes/],
    ['0', /at least one sector/],
    ['0G', /at least one sector/],
    ['-1M', /is no size.*K, M, G, T or s/],
    ['1.5G', /is no size/],
    ['1 G', /is no size/],
    ['64m', /is no size/],
    ['64MB', /is no size/],
    ['M', /is no size/],
    ['513', /no whole number/],
    ['8192T', /less than 8192T/],
    ['99999999999999999999s', /less than 8192T/],
  ])('%j is refused', (text, message) => {
    expect(() => parseSize(text)).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: expect.stringMatching(message) }),
    );
  });
});
