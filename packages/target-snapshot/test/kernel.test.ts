import { describe, it } from 'vitest';
import { scenarios } from '../../conformance/test/kernel/scenario.ts';
import { kernelLimits, kernelRefusals, kernelVersion } from '../../conformance/test/kernel/suite.ts';
import { snapshot, snapshotMerge, snapshotOrigin } from '../src/index.ts';
import { replaySnapshots } from './kernel.ts';

const FILE = 'snapshot';
const TYPES = [snapshot, snapshotMerge, snapshotOrigin];

/** Recorded tables, each of which is looked at by itself below, and what is otherwise here. */
const ELSEWHERE = [
  'snapshot-arguments',
  'snapshot-limits',
  // The kernel writes to the store of a read-only snapshot.
  'snapshot-read-only',
];

describe('as the kernel', () => {
  const chosen = scenarios(FILE).filter(({ name }) => !ELSEWHERE.includes(name));
  it.each(chosen.map((one) => [one.name, one] as const))('%s', (_, one) => replaySnapshots(one));
});

kernelRefusals(
  TYPES,
  'snapshot-arguments',
  {
    // The kernel logs something else first.
    'same device': 'COW device cannot be the same as origin device',
    'merge same': 'COW device cannot be the same as origin device',
    // The end of the device: another errno.
    'chunk 512': 'Failed to read snapshot metadata',
    'chunk 1024': 'Failed to read snapshot metadata',
    // The kernel ignores further words.
    'more words': 'Invalid number of feature arguments',
    'words behind 0': 'Invalid number of feature arguments',
  },
  FILE,
);

// The kernel takes the chunk size in sectors for one in bytes.
const DISCARDS = [
  'P 8 1 discard_zeroes_cow',
  'P 64 1 discard_zeroes_cow',
  'N 8 2 discard_zeroes_cow discard_passdown_origin',
].map((words) => `snapshot-limits: 0 256 snapshot /dev/vda /dev/vdb ${words}`);

kernelLimits(TYPES, DISCARDS, FILE);

for (const type of TYPES) kernelVersion(type, FILE);
