import { filterSuite, targetSuite } from '@interposer/conformance';
import { ram } from '@interposer/device-ram';
import { describe, it } from 'vitest';
import { logWrites, logWritesFilter } from '../src/index.ts';

// The disk is longer than the row, for a row lies where it lies in the table; the log device is nobody's.
targetSuite(
  { describe, it },
  {
    type: logWrites,
    devices: 1,
    deviceSectors: 1200,
    table: ([disk]) => `${disk!} ram:8M`,
    types: [ram],
  },
);

// As large as the device: full when all of it has been written, and then everything goes on without it.
filterSuite({ describe, it }, { type: logWritesFilter });
