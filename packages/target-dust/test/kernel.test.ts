import {
  kernelIo,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { dust } from '../src/index.ts';

/** Recorded tables, each of which is looked at by itself below. */
const TABLES = ['dust-arguments', 'dust-limits'];

kernelIo([dust], (name) => !TABLES.includes(name), 'dust');

kernelRefusals(
  [dust],
  'dust-arguments',
  {
    // A number is digits only.
    'block size with plus sign': 'Invalid block size parameter',
    // Words are checked from the left, then the device is opened, then the block size is held against the row.
    'bad offset and bad block size': 'Invalid device offset sector',
    // With the errno of the lookup, which the kernel makes EINVAL.
    'no such device': 'Device lookup failed',
    'no such device, bad block size': 'Device lookup failed',
    // The kernel calls the same an alignment inconsistency.
    'start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
  },
  'dust',
);

kernelLimits([dust], [], 'dust');

kernelVersion(dust, 'dust');
