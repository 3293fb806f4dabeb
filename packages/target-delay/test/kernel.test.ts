import { ALL_OPS, defineTarget, MapResult } from '@interposer/core';
import { spanTarget } from '@interposer/conformance';
import {
  kernelIo,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { delay } from '../src/index.ts';

/** What the recorded tables have besides delay; the kit's own is as good as linear here. */
const linear = { ...spanTarget, name: 'linear' };
const error = defineTarget({
  name: 'error',
  version: [1, 0, 0],
  ops: ALL_OPS,
  params: [],
  create: () => ({ map: () => MapResult.Kill, areas: () => [], table: () => '' }),
});

/** Recorded tables, each of which is looked at by itself below. */
const TABLES = ['delay-arguments', 'delay-limits'];

kernelIo([delay, linear, error], (name) => !TABLES.includes(name), 'delay');

kernelRefusals(
  [delay],
  'delay-arguments',
  {
    // The kernel cuts them to 32 bits.
    'delay 2^32': 'Invalid delay',
    'delay 2^32+5': 'Invalid delay',
    'delay over 64 bits': 'Invalid delay',
    // All words are checked before a device is opened.
    'no such device, and a bad write offset': 'Invalid device sector',
    // The kernel calls the same an alignment inconsistency.
    'start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
    'write start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
    'flush start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
    // Core holds each device to its own blocks, the kernel to the largest of the row.
    'start not aligned to the block of another device': null,
  },
  'delay',
);

kernelLimits([delay], [], 'delay');

kernelVersion(delay, 'delay');
