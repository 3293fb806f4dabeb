import { filterSuite, targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { delay, delayFilter } from '../src/index.ts';

targetSuite(
  { describe, it },
  { type: delay, devices: 1, table: ([disk]) => `${disk!} 8 3`, place: (sector) => [0, sector + 8] },
);

// Reads, writes and flushes overtake one another.
targetSuite(
  { describe, it },
  {
    type: delay,
    devices: 1,
    table: ([disk]) => `${disk!} 8 1 ${disk!} 8 3 ${disk!} 8 0`,
    place: (sector) => [0, sector + 8],
  },
);

filterSuite({ describe, it }, { type: delayFilter, args: () => '3' });
filterSuite({ describe, it }, { type: delayFilter, args: () => '0 2 5' });
