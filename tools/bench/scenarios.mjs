// @ts-check
/** What is measured and how good it has to be: data only. Layers that keep or change data are in layer-scenarios.mjs. */

import { job } from './job.mjs';
import { LAYER_SCENARIOS } from './layer-scenarios.mjs';

/** @typedef {'ram' | 'image' | 'scratch'} Disk */
/**
 * `bare`: our own server, without the filter that the scenario is about; `single-leg`: without the mirror, `core-log`: with
 * the other log, `persistent`: with the other store. `nbdkit-cow`: with its filter of that name, `-4k`: in blocks of 4 KiB.
 *
 * @typedef {'nbdkit' | 'qemu-nbd' | 'bare' | 'single-leg' | 'core-log' | 'persistent' | 'nbdkit-cow' | 'nbdkit-cow-4k'} PeerName
 */

/**
 * @typedef {object} FioJob
 * @property {'randread' | 'randwrite' | 'read' | 'write'} rw
 * @property {string} blockSize fio's spelling: '4k', '1M'
 * @property {number} depth requests in flight on each connection
 * @property {number} connections
 */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {Disk} disk what is served; `scratch` is a second image, to be overwritten
 * @property {FioJob | 'copy-out' | 'copy-in'} load a fio job, or nbdcopy of the whole image
 * @property {'IOPS' | 'MiB/s'} unit
 * @property {Partial<Record<PeerName, number | null>>} targets
 *   the peers, each with the least ratio ours/peer; null = for information
 * @property {boolean} [tls] clients must use TLS, with a certificate of the server
 * @property {boolean} [proxied] each server passes on what it gets to an nbdkit of its own, which has the disk
 * @property {boolean} [filtered] each server has its three filters that change nothing
 * @property {'snapshot' | 'mirror' | 'mirror-log'} [stack] ours is that, over image files; see stacks.mjs
 * @property {boolean} [luks] each server opens a LUKS1 volume; see luks.mjs
 * @property {'fresh' | 'written' | 'untouched'} [area] the part of the disk that is used: fresh each time and gone over once; the
 *   part that was written and verified at the start; the other part
 * @property {string} [toggled] one server of ours, which has this filter in every other run; with the peer `bare`
 */

/** @type {readonly Scenario[]} */
export const SCENARIOS = [
  {
    name: 'ram-randread-4k-qd32',
    disk: 'ram',
    load: job('randread', '4k', 32),
    unit: 'IOPS',
    targets: { nbdkit: 1.8 },
  },
  {
    name: 'ram-randwrite-4k-qd32',
    disk: 'ram',
    load: job('randwrite', '4k', 32),
    unit: 'IOPS',
    targets: { nbdkit: 1.3 },
  },
  {
    name: 'ram-randread-4k-qd1',
    disk: 'ram',
    load: job('randread', '4k', 1),
    unit: 'IOPS',
    targets: { nbdkit: 0.8 },
  },
  {
    name: 'ram-read-1m-qd8',
    disk: 'ram',
    load: job('read', '1M', 8),
    unit: 'MiB/s',
    targets: { nbdkit: 0.9 },
  },
  {
    name: 'ram-write-1m-qd8',
    disk: 'ram',
    load: job('write', '1M', 8),
    unit: 'MiB/s',
    targets: { nbdkit: 0.9 },
  },
  {
    name: 'file-randread-4k-qd32',
    disk: 'image',
    load: job('randread', '4k', 32),
    unit: 'IOPS',
    targets: { nbdkit: 1.2, 'qemu-nbd': 2.5 },
  },
  {
    name: 'file-read-1m-qd8',
    disk: 'image',
    load: job('read', '1M', 8),
    unit: 'MiB/s',
    targets: { nbdkit: 0.9, 'qemu-nbd': null },
  },
  {
    name: 'file-write-1m-qd8',
    disk: 'image',
    load: job('write', '1M', 8),
    unit: 'MiB/s',
    targets: { nbdkit: 0.9, 'qemu-nbd': null },
  },
  {
    name: 'file-randwrite-4k-qd32',
    disk: 'image',
    load: job('randwrite', '4k', 32),
    unit: 'IOPS',
    targets: { nbdkit: null, 'qemu-nbd': null },
  },
  {
    name: 'file-randread-4k-qd32-4conn',
    disk: 'image',
    load: job('randread', '4k', 32, 4),
    unit: 'IOPS',
    targets: { nbdkit: null, 'qemu-nbd': null },
  },
  {
    name: 'nbdcopy-out',
    disk: 'image',
    load: 'copy-out',
    unit: 'MiB/s',
    targets: { nbdkit: null, 'qemu-nbd': null },
  },
  {
    name: 'nbdcopy-in',
    disk: 'scratch',
    load: 'copy-in',
    unit: 'MiB/s',
    targets: { nbdkit: null, 'qemu-nbd': null },
  },
  {
    name: 'ram-randread-4k-qd32-4conn',
    disk: 'ram',
    load: job('randread', '4k', 32, 4),
    unit: 'IOPS',
    targets: { nbdkit: 1.2 },
  },
  {
    name: 'tls-randread-4k-qd32',
    disk: 'ram',
    load: job('randread', '4k', 32),
    unit: 'IOPS',
    tls: true,
    targets: { nbdkit: 1.2 },
  },
  {
    name: 'tls-read-1m-qd8',
    disk: 'ram',
    load: job('read', '1M', 8),
    unit: 'MiB/s',
    tls: true,
    targets: { nbdkit: null },
  },
  {
    name: 'proxy-randread-4k-qd32',
    disk: 'ram',
    load: job('randread', '4k', 32),
    unit: 'IOPS',
    proxied: true,
    targets: { nbdkit: 1.2 },
  },
  {
    name: 'proxy-randwrite-4k-qd32',
    disk: 'ram',
    load: job('randwrite', '4k', 32),
    unit: 'IOPS',
    proxied: true,
    targets: { nbdkit: null },
  },
  {
    name: 'three-filters-randread',
    disk: 'ram',
    load: job('randread', '4k', 32),
    unit: 'IOPS',
    filtered: true,
    targets: { nbdkit: 2.0 },
  },
  {
    name: 'three-filters-randwrite',
    disk: 'ram',
    load: job('randwrite', '4k', 32),
    unit: 'IOPS',
    filtered: true,
    targets: { nbdkit: 2.0 },
  },
  {
    name: 'stats-cost-randread',
    disk: 'ram',
    load: job('randread', '4k', 32),
    unit: 'IOPS',
    toggled: 'stats',
    targets: { bare: 0.9 },
  },
  {
    name: 'stats-cost-randwrite',
    disk: 'ram',
    load: job('randwrite', '4k', 32),
    unit: 'IOPS',
    toggled: 'stats',
    targets: { bare: 0.9 },
  },
  {
    name: 'trace-cost-randread',
    disk: 'ram',
    load: job('randread', '4k', 32),
    unit: 'IOPS',
    toggled: 'trace TMP/trace sample=100 replace=yes',
    targets: { bare: 0.9 },
  },
  {
    name: 'trace-cost-randwrite',
    disk: 'ram',
    load: job('randwrite', '4k', 32),
    unit: 'IOPS',
    toggled: 'trace TMP/trace sample=100 replace=yes',
    targets: { bare: 0.9 },
  },
  ...LAYER_SCENARIOS,
];

/** The name under which the in-process measurements are selected. */
export const MICRO = 'micro';
/** The name under which the wait during swaps is selected. */
export const SWAP_STALL = 'swap-stall';

/**
 * @param {string[]} only
 * @returns {{ scenarios: Scenario[], swapStall: boolean, micro: boolean }}
 * @throws {Error} when a name fits nothing, so that a typing error is not a green run
 */
export function selectScenarios(only) {
  if (only.length === 0) return { scenarios: [...SCENARIOS], swapStall: true, micro: true };
  const names = [...SCENARIOS.map((scenario) => scenario.name), SWAP_STALL, MICRO];
  const unknown = only.find((wanted) => !names.some((name) => name.startsWith(wanted)));
  if (unknown !== undefined) throw new Error(`no scenario "${unknown}"; there are: ${names.join(', ')}`);
  // A full name selects itself alone, though it may be the beginning of another one.
  const chosen = (/** @type {string} */ name) =>
    only.some((wanted) => (names.includes(wanted) ? name === wanted : name.startsWith(wanted)));
  return {
    scenarios: SCENARIOS.filter((scenario) => chosen(scenario.name)),
    swapStall: chosen(SWAP_STALL),
    micro: chosen(MICRO),
  };
}
