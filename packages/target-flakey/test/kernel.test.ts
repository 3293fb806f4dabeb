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

kernelRefusals([flakey], 'flakey-arguments', 'flakey');

kernelLimits([flakey], 'flakey');

kernelVersion(flakey, 'flakey');
