import { filterSuite, targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { flakey, flakeyFilter } from '../src/index.ts';

// Always up.
targetSuite(
  { describe, it },
  { type: flakey, devices: 1, table: ([disk]) => `${disk!} 8 1 0`, place: (sector) => [0, sector + 8] },
);

// Always down, with writes that are copied, and a byte beyond the end of all requests.
targetSuite(
  { describe, it },
  {
    type: flakey,
    devices: 1,
    table: ([disk]) => `${disk!} 8 0 1 7 corrupt_bio_byte 4294967295 r 0 0 random_write_corrupt 1`,
    place: (sector) => [0, sector + 8],
  },
);

filterSuite({ describe, it }, { type: flakeyFilter, args: () => '0 1 4 random_read_corrupt 1 seed 1' });
