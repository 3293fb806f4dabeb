import { spanTarget } from '@interposer/conformance';
import {
  kernelIo,
  kernelLimits,
  kernelRefusals,
  kernelVersion,
} from '../../conformance/test/kernel/suite.ts';
import { crypt, defineCrypt } from '../src/index.ts';
import { recordedRing } from './ring.ts';

/** With the keys that were in the kernel's ring. */
const type = defineCrypt({ keyRing: recordedRing() });

/** Recorded tables, each of which is looked at by itself below. */
const TABLES = ['crypt-arguments', 'crypt-limits'];

kernelIo([type, { ...spanTarget, name: 'linear' }], (name) => !TABLES.includes(name), 'crypt');

kernelRefusals([type], 'crypt-arguments', 'crypt');

kernelLimits([type], 'crypt');

kernelVersion(crypt, 'crypt');
