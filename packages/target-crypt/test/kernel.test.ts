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

const NO_CIPHER = "is not among the algorithms of this Node's OpenSSL";
const NO_ALGORITHM = 'Error allocating crypto tfm';
const NO_RING_KEY = 'in the key ring';
const NO_INTEGRITY = 'Integrity profile not supported.';

kernelIo([type, { ...spanTarget, name: 'linear' }], (name) => !TABLES.includes(name), 'crypt');

kernelRefusals(
  [type],
  'crypt-arguments',
  {
    // What the kernel has, or might have as a module, and OpenSSL does not.
    ...Object.fromEntries(
      ['essiv wp256', 'essiv blake2b-256', 'tcw of 8-byte blocks', 'eboiv of blowfish', 'lrw of blowfish']
        .concat(['xts of blowfish', 'ccm', 'cfb', 'ofb', 'pcbc', 'cts', 'a stream cipher', 'capi bare'])
        .concat(['capi adiantum', 'adiantum', 'adiantum 20', 'hctr2'])
        .map((note) => [note, NO_CIPHER]),
    ),
    // What this kernel was built without.
    'essiv sm3': null,
    'capi driver name': null,
    // Another errno for the same.
    ...Object.fromEntries(
      [
        'essiv hash too long for the cipher',
        'essiv sha384',
        'essiv of ecb',
        'essiv crc32c',
        'gcm',
        'capi gcm',
      ]
        .concat(['capi authenc', 'capi trailing', 'cipher_null cbc', 'very long name', 'integrity: not aead'])
        .map((note) => [note, NO_ALGORITHM]),
    ),
    ...Object.fromEntries(
      [
        'absent',
        'logon for user',
        'user for logon',
        'encrypted absent',
        'trusted absent',
        'encrypted of user',
      ].map((note) => [`key: ${note}`, NO_RING_KEY]),
    ),
    // The kernel takes part of a key, or what lies in memory for an IV.
    'keys 2 of unequal': 'Error decoding and setting key',
    'key: odd digits, one too many': 'Error decoding and setting key',
    'capi without iv': 'IV mechanism required',
    'capi keys': 'IV mechanism required',
    '4096: lmk': 'Unsupported sector size for LMK',
    '4096: tcw': 'Unsupported sector size for TCW',
    // Beyond what a number holds.
    'place: iv 2^64-1': 'Invalid iv_offset sector',
    'place: iv 2^64': 'Invalid iv_offset sector',
    'place: offset 2^64': 'Invalid device sector',
    'options: sector_size:66048': 'Invalid feature value for sector_size',
    // All words are read before a device is opened.
    'place: device and offset swapped': 'Invalid device sector',
    // Of the machine that it was recorded on.
    'place: by number': undefined,
    'place: odd offset on 4096': 'start=4 not aligned to h/w logical block size 4096',
    'length odd on 4096': 'len=124 not aligned to h/w logical block size 4096',
    '4096: offset 4': 'start=4 not aligned to h/w logical block size 4096',
    'place: read-only disk': 'is read-only',
    ...Object.fromEntries(
      ['random iv', 'capi random', 'integrity: gcm', 'integrity: authenc', 'integrity: chacha']
        .concat(['integrity: random and none', 'options: integrity:16:none'])
        .map((note) => [note, NO_INTEGRITY]),
    ),
  },
  'crypt',
);

kernelLimits([type], [], 'crypt');

kernelVersion(crypt, 'crypt');
