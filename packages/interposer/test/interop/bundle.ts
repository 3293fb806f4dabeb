import { mkdirSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll } from 'vitest';
import { useWorld, type World } from '../world.ts';

const KOFFI = new URL('../../../device-file/node_modules/koffi', import.meta.url);

/** A world with the bundle's program, and with the native calls that an installed one has: holes are seen by them. */
export function useBundle(): World {
  const world = useWorld(new URL('program-entry.ts', import.meta.url));
  beforeAll(() => {
    mkdirSync(world.path('node_modules'));
    symlinkSync(fileURLToPath(KOFFI), world.path('node_modules/koffi'));
  });
  return world;
}
