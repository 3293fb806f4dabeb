import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));

/** The root of the workspace. */
export const ROOT: string = join(PACKAGES, '..');

/** A directory for a test file, removed after its tests. */
export function tempDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'interposer-create-')));
  afterAll(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** Lets what lies below a directory import what a generated package depends on: the packages of the workspace. */
export function linkModules(directory: string): void {
  const modules = join(directory, 'node_modules');
  mkdirSync(join(modules, '@interposer'), { recursive: true });
  for (const name of ['core', 'conformance', 'device-ram']) {
    symlinkSync(join(PACKAGES, name), join(modules, '@interposer', name), 'junction');
  }
  symlinkSync(join(ROOT, 'node_modules', '@types'), join(modules, '@types'), 'junction');
}
