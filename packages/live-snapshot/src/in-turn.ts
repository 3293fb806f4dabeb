import type { Control } from '@interposer/core';

const turns = new WeakMap<Control, Promise<unknown>>();

/** Runs one piece of work at a time on an engine: each looks at what is there first, and must not see what is half done. */
export function inTurn<T>(control: Control, work: () => Promise<T>): Promise<T> {
  const mine = (turns.get(control) ?? Promise.resolve()).then(work);
  turns.set(
    control,
    mine.catch(() => undefined),
  );
  return mine;
}
