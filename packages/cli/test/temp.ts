import { mkdtempSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A directory for a test file, removed after its tests. */
export function tempDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'interposer-cli-')));
  afterAll(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** An image of so many sectors, without data unless some is given. */
export function makeImage(directory: string, name: string, sectors: number, data?: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, data ?? '');
  truncateSync(path, sectors * 512);
  return path;
}
