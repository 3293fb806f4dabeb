import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A directory of the test file's own, removed after its tests. */
export function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'interposer-trace-'));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}
