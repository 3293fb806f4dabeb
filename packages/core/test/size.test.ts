import { expect, it } from 'vitest';
import { parseSize, sizeText } from '../src/index.ts';

it.each([
  ['0', 0],
  ['1', 1],
  ['1000', 1000],
  ['1025', 1025],
  ['64K', 65_536],
  ['3M', 3 * 2 ** 20],
  ['1G', 2 ** 30],
  ['2T', 2 ** 41],
  ['1024T', 2 ** 50],
])('%s is a size and its shortest text', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
  expect(sizeText(bytes)).toBe(text);
});

it('is read in small letters, too, and of what is none nothing is made', () => {
  expect(parseSize('64k')).toBe(65_536);
  for (const text of ['', 'K', '-1', '1.5M', '1P', '1 K', '0x10']) expect(parseSize(text)).toBeNaN();
});
