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

kernelRefusals([delay], 'delay-arguments', 'delay');

kernelLimits([delay], 'delay');

kernelVersion(delay, 'delay');
