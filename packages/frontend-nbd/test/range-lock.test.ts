import { describe, expect, it } from 'vitest';
import { type LockedRange, RangeLock } from '../src/range-lock.ts';
import { Request } from '../src/request.ts';

/** Ranges in the order in which they were granted. */
function watched(lock: RangeLock): {
  granted: LockedRange[];
  ask: (sector: number, count: number) => void;
} {
  const granted: LockedRange[] = [];
  return {
    granted,
    ask: (sector, count) => void lock.acquire(sector, count).then((range) => granted.push(range)),
  };
}

/** A write under way that needed no lock. */
function writeTo(sector: number, count: number): Request {
  const request = new Request({ ended: () => undefined });
  return Object.assign(request, { writing: true, sector, count });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the lock of a device', () => {
  it('grants what overlaps in the order of asking, and what does not at once', async () => {
    const { granted, ask } = watched(new RangeLock());
    ask(0, 8);
    ask(4, 8);
    ask(10, 2);
    ask(100, 1);
    await turn();
    expect(granted.map(({ sector }) => sector)).toEqual([0, 100]);
  });

  it('lets the next ones go when one is released, each after all that were before it', async () => {
    const lock = new RangeLock();
    const { granted, ask } = watched(lock);
    ask(0, 4);
    ask(4, 4);
    ask(0, 8);
    await turn();
    lock.release(granted[0]!);
    await turn();
    expect(granted).toHaveLength(2);
    lock.release(granted[1]!);
    await turn();
    expect(granted).toHaveLength(3);
    lock.release(granted[2]!);
    expect(lock.busy).toBe(false);
  });

  it('waits for the writes under way that overlap, and for no others', async () => {
    const lock = new RangeLock();
    const writes = [writeTo(0, 8), writeTo(4, 8), writeTo(50, 1)];
    lock.writers.add({ requests: writes });
    const { granted, ask } = watched(lock);
    ask(6, 1);
    for (const [index, waiting] of [
      [0, 0],
      [1, 1],
    ] as const) {
      writes[index]!.writing = false;
      lock.settle(writes[index]!.sector, writes[index]!.count);
      await turn();
      expect(granted).toHaveLength(waiting);
    }
  });

  it('is no way to stop the server: thousands that wait for one block', { timeout: 20_000 }, async () => {
    const lock = new RangeLock();
    const { granted, ask } = watched(lock);
    const most = 8000;
    for (let i = 0; i < most; i++) ask(0, 1);
    for (let i = 0; i < most; i++) {
      while (granted.length === i) await turn();
      lock.release(granted[i]!);
    }
    expect(lock.busy).toBe(false);
  });
});
