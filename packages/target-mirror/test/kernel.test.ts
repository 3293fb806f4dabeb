import { ALL_OPS, BioOp, defineTarget, MapResult } from '@interposer/core';
import { spanTarget } from '@interposer/conformance';
import {
  kernelIo,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { mirror } from '../src/index.ts';

/** What the recorded tables have besides mirror; the kit's own is as good as linear here. */
const linear = { ...spanTarget, name: 'linear' };
const error = defineTarget({
  name: 'error',
  version: [1, 0, 0],
  ops: ALL_OPS,
  params: [],
  create: () => ({ map: () => MapResult.Kill, areas: () => [], table: () => '' }),
});

/** As it is recorded: always down, and failing whatever is no read. */
const flakey = defineTarget({
  name: 'flakey',
  version: [1, 0, 0],
  ops: ALL_OPS,
  params: [
    { name: 'device', kind: 'device', about: 'the device below' },
    { name: 'words', kind: 'rest', about: 'the rest' },
  ],
  create: ({ sectors }, { device }) => ({
    map: (bio) => {
      bio.port = device;
      return bio.op === BioOp.Read ? MapResult.Remapped : MapResult.Kill;
    },
    areas: () => [{ port: device, start: 0, count: sectors }],
    table: () => '',
  }),
});

/** Recorded tables, each of which is looked at by itself below. */
const TABLES = ['mirror-arguments', 'mirror-limits'];

kernelIo([mirror, linear, error, flakey], (name) => !TABLES.includes(name), 'mirror');

kernelRefusals([mirror], 'mirror-arguments', 'mirror');

kernelLimits([mirror], 'mirror');

kernelVersion(mirror, 'mirror');
