import { setImmediate } from 'node:timers/promises';
import type { Engine } from '@interposer/core';

/** Until a resync or a merge is over; `pass` is called meanwhile. */
export async function arrived(
  engine: Engine,
  name: string,
  pass: () => void = () => undefined,
): Promise<void> {
  for (;;) {
    const [row] = await engine.progress(name);
    if (row === undefined) throw new Error(`${name} does nothing`);
    if (row.failure !== undefined) throw new Error(`${row.activity} of ${name}: ${row.failure}`);
    if (row.done === row.total) return;
    await setImmediate();
    pass();
  }
}
