// @ts-check
/**
 * Scenarios of mirrors and snapshots: who takes part, and how each is started over its own files. A copy-on-write layer that
 * is to be fresh is one of a new process, as nbdkit's lives and dies with it; what each process does first is not counted.
 */

import { spawnSync } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeContestant, messageOf } from './contestant.mjs';
import { copyFor } from './image.mjs';
import { isInstalled } from './process.mjs';
import { startServer } from './servers.mjs';

/** @typedef {import('./runner.mjs').Contestant} Contestant */
/** @typedef {import('./runner.mjs').Setting} Setting */
/** @typedef {import('./scenarios.mjs').Scenario} Scenario */
/** @typedef {import('./servers.mjs').ServerName} ServerName */

/** Of a snapshot and of nbdkit's layer where it is told, as `lvcreate` makes them: 4 KiB. */
const CHUNK_SECTORS = 8;
const REGION_SECTORS = 1024;
const SECTORS_PER_MIB = 2048;
const MIB = 1024 * 1024;
const LOG_MIB = 1;
/** More than the image, for the metadata of a store. */
const STORE_PART = 1.25;

/**
 * @typedef {object} Parts what a contestant is put together from
 * @property {string} image a copy of the image
 * @property {string} second what else it has: the other leg, or the store
 * @property {string} log
 * @property {number} sectors of the image
 */

/** @type {Record<string, (parts: Parts) => string>} the tables of ours, by scenario's stack and contestant */
const TABLES = {
  'snapshot ours': (parts) => snapshot(parts, 'N'),
  'snapshot persistent': (parts) => snapshot(parts, 'P'),
  'mirror ours': (parts) => mirror(parts, ['core', 2]),
  'mirror-log ours': (parts) => mirror(parts, ['disk', 3, parts.log]),
  'mirror-log core-log': (parts) => mirror(parts, ['core', 2]),
};

/** @param {Parts} parts @param {string} store */
function snapshot({ image, second, sectors }, store) {
  return `0 ${sectors} snapshot ${image} ${second} ${store} ${CHUNK_SECTORS}`;
}

/** The legs are copies of the image. @param {Parts} parts @param {(string | number)[]} log */
function mirror({ image, second, sectors }, log) {
  return `0 ${sectors} mirror ${log.join(' ')} ${REGION_SECTORS} nosync 2 ${image} 0 ${second} 0`;
}

/**
 * @param {Scenario} scenario
 * @param {Setting} setting
 * @returns {Promise<Contestant[]>} ours first; none is started yet but by its `prepare`
 */
export async function enterStacked(scenario, setting) {
  const peers = /** @type {ServerName[]} */ (Object.keys(scenario.targets));
  /** @type {Contestant[]} */
  const contestants = [];
  for (const name of /** @type {ServerName[]} */ (['ours', ...peers])) {
    const contestant = contestantFor(name, scenario, setting);
    contestants.push(contestant);
    if (contestant.skipped === undefined) await restart(contestant, scenario, setting);
  }
  return contestants;
}

/** @param {ServerName} name @param {Scenario} scenario @param {Setting} setting @returns {Contestant} */
function contestantFor(name, scenario, setting) {
  const isPeer = name.startsWith('nbdkit');
  const contestant = makeContestant(name, {
    skipped: isPeer && !isInstalled('nbdkit') ? 'nbdkit is not installed' : undefined,
    prepare: async () => {
      if (scenario.area === 'fresh') await restart(contestant, scenario, setting);
    },
    settle: () => {
      // The file that nbdkit's layer is in has no name.
      spawnSync('sync', ['--file-system', setting.image]);
    },
  });
  return contestant;
}

/** Ends the server, if there is one, and starts it anew over files as new. @param {Contestant} contestant @param {Scenario} scenario @param {Setting} setting */
async function restart(contestant, scenario, setting) {
  const { name } = contestant;
  await contestant.server?.stop();
  contestant.server = undefined;
  const socket = join(setting.workDir, `${name}.sock.${scenario.name}`);
  rmSync(socket, { force: true });
  try {
    contestant.serverCommand = stackCommand(name, scenario.stack ?? '', socket, setting);
    contestant.server = await startServer(name, contestant.serverCommand, { socket, cwd: setting.root });
  } catch (error) {
    contestant.error = `${name} did not come up: ${messageOf(error)}`;
  }
}

/** @param {ServerName} name @param {string} stack @param {string} socket @param {Setting} setting @returns {string[]} */
function stackCommand(name, stack, socket, setting) {
  const image = ownImage(name, stack, setting.image);
  if (name.startsWith('nbdkit')) {
    const settings = name === 'nbdkit-cow-4k' ? [`cow-block-size=${CHUNK_SECTORS * 512}`] : [];
    const place = ['env', `TMPDIR=${dirname(setting.image)}`];
    return [...place, 'nbdkit', '-f', '-U', socket, '--filter=cow', 'file', image, ...settings];
  }
  const ours = [...setting.oursPrefix, 'serve', '--unix', socket];
  const makeTable = TABLES[`${stack} ${name}`];
  return makeTable === undefined
    ? [...ours, image]
    : [...ours, '--table', makeTable(partsOf(name, stack, setting))];
}

/** @param {string} name @param {string} stack @param {Setting} setting @returns {Parts} */
function partsOf(name, stack, { image: original, imageMiB }) {
  const image = ownImage(name, stack, original);
  const parts = {
    image,
    second: stack === 'snapshot' ? `${image}.${name}-store` : secondLeg(image),
    log: `${image}.log`,
    sectors: imageMiB * SECTORS_PER_MIB,
  };
  if (stack === 'snapshot') makeEmpty(parts.second, imageMiB * STORE_PART);
  if (stack === 'mirror-log') makeEmpty(parts.log, LOG_MIB);
  return parts;
}

/** @param {string} path @param {number} mebibytes */
function makeEmpty(path, mebibytes) {
  writeFileSync(path, '');
  truncateSync(path, mebibytes * MIB);
}

/** The path of the other leg of a mirror. @param {string} image */
const secondLeg = (image) => `${image}.second`;

/** nbdkit locks nothing and never writes here: one does for all. @param {string} name @param {string} stack @param {string} image */
function ownImage(name, stack, image) {
  const [family = ''] = stack.split('-');
  return copyFor(name.startsWith('nbdkit') ? family : `${family}-${name}`, image);
}

/**
 * The copies of the image that a contestant needs.
 *
 * @param {string} name
 * @param {string} stack
 * @param {string} image
 * @returns {string[]}
 */
export function imagesFor(name, stack, image) {
  const own = ownImage(name, stack, image);
  return stack !== 'snapshot' && `${stack} ${name}` in TABLES ? [own, secondLeg(own)] : [own];
}
