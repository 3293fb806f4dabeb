import {
  kernelIo,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { logWrites } from '../src/index.ts';

/** Recorded tables, each of which is looked at by itself below, and what is otherwise here on purpose. */
const ELSEWHERE = [
  'log-writes-arguments',
  'log-writes-limits',
  // The kernel offers a discard where the device has none, and ends it.
  'log-writes-no-discard',
  // The kernel writes an end mark over the log of the table in use.
  'log-writes-never-live',
];

kernelIo([logWrites], (name) => !ELSEWHERE.includes(name), 'log-writes');

kernelRefusals(
  [logWrites],
  'log-writes-arguments',
  {
    // The kernel ignores further words.
    three: 'Invalid argument count',
    four: 'Invalid argument count',
  },
  'log-writes',
);

// As above.
kernelLimits([logWrites], ['log-writes-limits: 0 128 log-writes /dev/vde /dev/vdb'], 'log-writes');

kernelVersion(logWrites, 'log-writes');
