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

kernelRefusals([dust], 'dust-arguments', 'dust');

kernelLimits([dust], 'dust');

kernelVersion(dust, 'dust');
