import type { Clock } from './clock.ts';
import { fail } from './errors.ts';

/** What a promise answers, or ETIMEDOUT with a text if it takes longer than so many milliseconds. */
export async function within<T>(
  promise: Promise<T>,
  clock: Clock,
  milliseconds: number,
  text: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(milliseconds, () => {
      reject(fail('ETIMEDOUT', `${text} in ${String(milliseconds)} ms`));
    });
    promise
      .finally(() => {
        timer.cancel();
      })
      .then(resolve, reject);
  });
}
