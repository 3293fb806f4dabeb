import { describe, expect, it, vi } from 'vitest';
import { ProgressDisplay, progressText } from '../src/crash-test/progress.ts';

const progress = {
  done: 250,
  total: 1000,
  explored: 200,
  pruned: 50,
  checked: 150,
  failures: 1,
  epoch: 2,
  epochs: 12,
};

/** What is written in so many milliseconds with an update each. */
function written(isTTY: boolean | undefined, milliseconds: number, columns?: number): string[] {
  vi.useFakeTimers({ toFake: ['performance'] });
  const lines: string[] = [];
  const display = new ProgressDisplay({ write: (text) => lines.push(String(text)), isTTY, columns });
  for (let at = 0; at < milliseconds; at++) {
    vi.advanceTimersByTime(1);
    display.update(progress);
  }
  display.end();
  vi.useRealTimers();
  return lines;
}

describe('progress', () => {
  it('is told in words', () => {
    expect(progressText(progress, 5)).toBe('epoch 3/12, 250/1000 states, 40/s, 25 % pruned, 1 failure');
    expect(progressText({ ...progress, done: 0, explored: 0, pruned: 0, failures: 0 }, 0)).toBe(
      'epoch 3/12, 0/1000 states, 0/s, 0 % pruned, 0 failures',
    );
  });

  it('is a bar on a terminal, which goes at the end', () => {
    const lines = written(true, 350);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^\r.\[K\[#{4}\.{12}\] epoch 3\/12, /);
    expect(lines.at(-1)).toBe('\r\u001b[K');
  });

  it('fits the terminal', () => {
    const [bar] = written(true, 120, 40);
    expect(bar).toBe('\r\u001b[K[####............] epoch 3/12, 250/1000');
  });

  it('is a line now and then elsewhere', () => {
    expect(written(undefined, 9999)).toEqual([]);
    const lines = written(false, 25_000);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^epoch 3\/12, .*\n$/);
  });
});
