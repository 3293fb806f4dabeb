import {
  kernelIo,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { flakey } from '../src/index.ts';

/** Recorded tables, each of which is looked at by itself below. */
const TABLES = ['flakey-arguments', 'flakey-limits'];

kernelIo([flakey], (name) => !TABLES.includes(name), 'flakey');

kernelRefusals(
  [flakey],
  'flakey-arguments',
  {
    // The kernel cuts them to 32 bits.
    'up 2^32': 'Invalid up interval',
    'down 2^32': 'Invalid up interval',
    'corrupt byte 2^32+3': 'Invalid corrupt bio byte',
    'corrupt flags 2^32': 'Invalid corrupt bio flags mask',
    // Numbers are checked from the left, then the device is opened, then comes what they mean together.
    'no such device, no interval': 'Device lookup failed',
    'no such device, unknown feature': 'Device lookup failed',
    // The kernel calls the same an alignment inconsistency.
    'start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
  },
  'flakey',
);

kernelLimits([flakey], [], 'flakey');

kernelVersion(flakey, 'flakey');
