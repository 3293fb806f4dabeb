import { targetSuite, type TestRunner } from '@interposer/conformance';
import type { Port, TargetType } from '@interposer/core';
import { describe, it } from 'vitest';
import { integrity } from '../src/index.ts';

const BLANK = new Uint8Array(4096);

/** The disks of the kit hold something: what is not formatted is made blank first. */
const onAnyDisk: TargetType = {
  ...integrity,
  create: async (context, args) => {
    const device = args.device as Port;
    const magic = Buffer.from((await device.read(0, 1)).subarray(0, 7)).toString('latin1');
    if (magic !== 'integrt') await device.write(0, BLANK);
    return integrity.create(context, args);
  },
};

/** What a journal answers at once cannot fail with what the disk below says later. */
const AT_ONCE =
  /^failure: a (read|write|flush) that fails below|^lifecycle: a drain that takes too long names/;

const journaled: TestRunner = {
  describe,
  it: (name, run) => {
    if (!AT_ONCE.test(name)) it(name, run);
  },
};

targetSuite(
  { describe, it },
  {
    type: onAnyDisk,
    table: ([disk]) => `${disk!} 0 4 D 3 fix_padding interleave_sectors:512 journal_sectors:1`,
    deviceSectors: 2048,
  },
);

// Nothing goes to its place beside what the kit does: it counts who is on the disk.
targetSuite(journaled, {
  type: onAnyDisk,
  table: ([disk]) =>
    `${disk!} 0 28 J 5 fix_padding interleave_sectors:64 journal_sectors:2500 block_size:4096 journal_watermark:100`,
  sectors: 1088,
  deviceSectors: 4096,
});
