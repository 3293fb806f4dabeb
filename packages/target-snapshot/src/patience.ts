import type { Clock } from '@interposer/core';

/** How long a table that goes waits for the devices below, in milliseconds. The kernel waits for ever. */
const PATIENCE = 10_000;

/** Whether something came to pass while there was patience. */
export function inTime(event: Promise<void>, clock: Clock): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(PATIENCE, () => {
      resolve(false);
    });
    event.then(() => {
      timer.cancel();
      resolve(true);
    }, reject);
  });
}
