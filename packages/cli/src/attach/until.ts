import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks: the kernel tells nobody of its device nodes without udev. */
const PAUSE = 20;

/** Looks again and again until a condition holds; false if that took longer than so many milliseconds. */
export async function until(limit: number, condition: () => boolean): Promise<boolean> {
  const end = performance.now() + limit;
  while (!condition()) {
    if (performance.now() >= end) return false;
    await sleep(PAUSE);
  }
  return true;
}
