import { memoryDriver, targetSuite, type TestRunner } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { snapshot, snapshotOrigin } from '../src/index.ts';

const SECTORS = 192;
const DISK_SECTORS = 384;

/** Cases in which the disk of the store is to fail or to be late: not of a disk that the kit has not got in hand. */
const NEEDS_STORE = /^failure: (a (read|write|flush)|random)|^lifecycle: a drain that takes too long/;
/** The kernel refuses a third table over one store. */
const REFUSED = 'lifecycle: a table is loaded and cleared again, and the live one stays';

/** Runs the cases whose names pass. */
function some(wanted: (name: string) => boolean): TestRunner {
  return {
    describe,
    it: (name, run) => {
      if (wanted(name)) it(name, run);
    },
  };
}

// The disk is longer than the row, for a row lies where it lies in the table.
targetSuite({ describe, it }, { type: snapshotOrigin, sectors: SECTORS, deviceSectors: DISK_SECTORS });

/** Stores must be empty at first, which the disks of the kit are not. */
const stores = memoryDriver();
let made = 0;

targetSuite(
  some((name) => !NEEDS_STORE.test(name) && name !== REFUSED),
  {
    type: snapshot,
    devices: 1,
    sectors: SECTORS,
    deviceSectors: DISK_SECTORS,
    table: ([origin]) => {
      const name = `store${String(made++)}`;
      stores.add(name, { sectors: 1024 });
      return `${origin!} memory:${name} P 8`;
    },
    types: [stores],
  },
);

targetSuite(
  some((name) => NEEDS_STORE.test(name)),
  {
    type: snapshot,
    devices: 2,
    sectors: SECTORS,
    deviceSectors: DISK_SECTORS,
    table: ([origin, store]) => `${origin!} ${store!} N 8`,
  },
);
