import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Undone after the test, the last first. For tests only: to import it is to ask for that. */
export function later(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** A folder that is gone after the test. Its path is short, for sockets. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'interposer-'));
  later(() => rm(folder, { recursive: true }));
  return folder;
}
