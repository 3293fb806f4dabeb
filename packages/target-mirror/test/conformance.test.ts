import { targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { mirror } from '../src/index.ts';

// In sync from the start: the suite counts on nothing going on by itself.
targetSuite(
  { describe, it },
  {
    type: mirror,
    devices: 2,
    table: ([a, b]) => `core 2 64 nosync 2 ${a!} 8 ${b!} 0 2 handle_errors keep_log`,
    place: (sector) => [0, sector + 8],
  },
);

// Three legs, a log on disk, and a last region that is shorter.
targetSuite(
  { describe, it },
  {
    type: mirror,
    devices: 4,
    sectors: 1000,
    table: ([a, b, c, log]) => `disk 3 ${log!} 64 nosync 3 ${a!} 0 ${b!} 3 ${c!} 64`,
    place: (sector) => [0, sector],
  },
);
