import { describe, expect, it } from 'vitest';
import { sameWords } from '../src/compare-words.ts';
import { FakeControl } from './support/fake-control.ts';

const ZEROS = '0'.repeat(32);
const KEY = 'c0ffee'.repeat(5) + '00';

describe('arguments as they are written and as they are shown', () => {
  it.each([
    ['', '', true],
    ['a b', 'a b', true],
    ['a b', 'b a', false],
    ['a', 'a b', false],
    ['a b', 'a', false],
    ['007 64K 1m', '7 65536 1048576', true],
    ['64K', '64', false],
    ['2G 1T', '2147483648 1099511627776', true],
    ['low 0 noexcl', 'low 0', true],
    ['low 0', 'low 0 noexcl', true],
    ['y=2 x=1K', 'x=1024 y=2', true],
    ['x=1', 'x=1 y=2', true],
    ['x=1 y=2', 'x=1', false],
    ['x=1', 'x=2', false],
    ['x=1', 'y=1', false],
    ['1 x=1', 'x=1 1', true],
    [KEY, ZEROS, true],
    [`k=${KEY}`, `k=${ZEROS}`, true],
    [KEY.slice(1), ZEROS, false],
    ['c0ffee', '000000', false],
    // The mapped device `low` has number 254:0.
    ['low', '254:0', true],
    ['/dev/mapper/low', '254:0', true],
    ['low', '254:1', false],
    ['nothing', '254:0', false],
    ['/dev/mapper/low', 'low', true],
  ])('%j and %j: %j', async (wanted, running, same) => {
    const control = new FakeControl();
    await control.create('low', { table: '0 8 zero' });
    const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
    expect(await sameWords(control, words(wanted), words(running))).toBe(same);
  });
});
