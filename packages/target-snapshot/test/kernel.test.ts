import { scenarios } from '../../conformance/test/kernel/scenario.ts';
import {
  asTheKernel,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { snapshot, snapshotMerge, snapshotOrigin } from '../src/index.ts';
import { replaySnapshots } from './kernel.ts';

const FILE = 'snapshot';
const TYPES = [snapshot, snapshotMerge, snapshotOrigin];

/** Recorded tables, each of which is looked at by itself below. */
const ELSEWHERE = ['snapshot-arguments', 'snapshot-limits'];

asTheKernel(
  FILE,
  scenarios(FILE).filter(({ name }) => !ELSEWHERE.includes(name)),
  replaySnapshots,
);

kernelRefusals(TYPES, 'snapshot-arguments', FILE);

kernelLimits(TYPES, FILE);

for (const type of TYPES) kernelVersion(type, FILE);
