import {
  kernelIo,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { logWrites } from '../src/index.ts';

/** Recorded tables, each of which is looked at by itself below. */
const ELSEWHERE = ['log-writes-arguments', 'log-writes-limits'];

kernelIo([logWrites], (name) => !ELSEWHERE.includes(name), 'log-writes');

kernelRefusals([logWrites], 'log-writes-arguments', 'log-writes');

kernelLimits([logWrites], 'log-writes');

kernelVersion(logWrites, 'log-writes');
