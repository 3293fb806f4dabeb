import type { LuksStorage } from './storage.ts';

/** The end of the last change of each storage, whether it went well or not. */
const last = new WeakMap<LuksStorage, Promise<unknown>>();

/** Makes changes of the same storage one after the other: two at once would take the same room for their key slots. */
export async function exclusively<T>(storage: LuksStorage, work: () => Promise<T>): Promise<T> {
  const before = last.get(storage);
  const mine = before === undefined ? work() : before.then(work);
  const settled = mine.catch(() => undefined);
  last.set(storage, settled);
  return mine;
}
