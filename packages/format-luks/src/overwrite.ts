import { randomBytes } from 'node:crypto';
import type { LuksStorage } from './storage.ts';

const CHUNK = 2 ** 20;

/** Overwrites a range with noise, so that nothing of old key slots is left in it. */
export async function overwrite(storage: LuksStorage, start: number, end: number): Promise<void> {
  for (let at = start; at < end; at += CHUNK) {
    await storage.write(at, randomBytes(Math.min(CHUNK, end - at)));
  }
}
