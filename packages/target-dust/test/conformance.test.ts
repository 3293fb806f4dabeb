import { filterSuite, targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { dust, dustFilter } from '../src/index.ts';

targetSuite(
  { describe, it },
  { type: dust, devices: 1, table: ([disk]) => `${disk!} 8 512`, place: (sector) => [0, sector + 8] },
);

targetSuite(
  { describe, it },
  { type: dust, devices: 1, table: ([disk]) => `${disk!} 3 4096`, place: (sector) => [0, sector + 3] },
);

filterSuite({ describe, it }, { type: dustFilter, args: () => '4096' });
