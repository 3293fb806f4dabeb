import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll } from 'vitest';
import { useWorld, type World } from '../world.ts';

const DEVICE_FILE = fileURLToPath(new URL('../../../device-file', import.meta.url));

/**
 * A world with the bundle's program, and with the native calls that an installed one has: holes are seen by them. They are
 * linked as pnpm does it.
 */
export function useBundle(): World {
  const world = useWorld(new URL('program-entry.ts', import.meta.url));
  beforeAll(() => {
    mkdirSync(world.path('node_modules'));
    symlinkSync(join(DEVICE_FILE, 'node_modules/koffi'), world.path('node_modules/koffi'));
  });
  return world;
}
