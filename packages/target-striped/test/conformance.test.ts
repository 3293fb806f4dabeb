import { targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { striped } from '../src/index.ts';

const CHUNK = 16;

targetSuite(
  { describe, it },
  {
    type: striped,
    devices: 2,
    table: ([a, b]) => `2 ${String(CHUNK)} ${a!} 0 ${b!} 0`,
    place: (sector) => {
      const chunk = Math.floor(sector / CHUNK);
      return [chunk % 2, Math.floor(chunk / 2) * CHUNK + (sector % CHUNK)];
    },
  },
);

// Three devices and a chunk that is no power of two.
targetSuite(
  { describe, it },
  {
    type: striped,
    devices: 3,
    sectors: 1080,
    table: ([a, b, c]) => `3 24 ${a!} 5 ${b!} 0 ${c!} 64`,
    place: (sector) => {
      const chunk = Math.floor(sector / 24);
      return [chunk % 3, [5, 0, 64][chunk % 3]! + Math.floor(chunk / 3) * 24 + (sector % 24)];
    },
  },
);
