// @ts-check
/** One run of a scenario against one server: what the client does, and what CPU time that took. */

import { join } from 'node:path';
import { fioArguments, readFioAnswer, runFio, verifyArguments } from './fio.mjs';
import { HEADER_MIB } from './luks.mjs';
import { nbdcopyArguments, runNbdcopy } from './nbdcopy.mjs';

/** @typedef {import('./scenarios.mjs').Scenario} Scenario */
/** @typedef {import('./servers.mjs').Server} Server */
/** @typedef {import('./runner.mjs').Contestant} Contestant */
/** @typedef {import('./runner.mjs').Setting} Setting */
/** @typedef {import('./fio.mjs').Measurement} Measurement */

/** @typedef {Measurement & { cpuSeconds: number | undefined }} Run */

/** For what is not ended by time: a store that is flushed again and again goes at the disk's rate. */
const MOST_SECONDS = 120;
/** A large image is checked in part: the check is to find a wrong server, not to test it. */
const VERIFIED_MIB = 256;

/**
 * Writes all of a RAM disk or a part of an image, and reads it back.
 *
 * @param {Server} server
 * @param {Contestant} contestant
 * @param {Scenario} scenario
 * @param {Setting} setting
 */
export async function verify({ uri }, contestant, scenario, setting) {
  const size = scenario.disk === 'ram' ? setting.ramSize : `${verifiedMiB(setting)}M`;
  await runFio(verifyArguments({ uri, size }), { answer: join(setting.workDir, 'verify.json'), seconds: 60 });
  contestant.settle();
}

/** @param {Setting} setting */
const verifiedMiB = ({ imageMiB }) => Math.min(VERIFIED_MIB, imageMiB);

/**
 * One run, settled afterwards.
 *
 * @param {Server} server
 * @param {Contestant} contestant
 * @param {Scenario} scenario
 * @param {Setting} setting
 * @param {number} seconds
 * @returns {Promise<Run>}
 */
export async function measure(server, contestant, scenario, setting, seconds) {
  // A new process, with a layer that nothing is in: what it verifies is its warming up, and no part of what is measured.
  if (scenario.area === 'fresh') await verify(server, contestant, scenario, setting);
  const cpuBefore = server.cpuSeconds();
  const measurement = await load(server, contestant, scenario, setting, seconds);
  const cpuAfter = server.cpuSeconds();
  contestant.settle();
  const cpuSeconds = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  return { ...measurement, cpuSeconds };
}

/**
 * @param {Server} server
 * @param {Contestant} contestant
 * @param {Scenario} scenario
 * @param {Setting} setting
 * @param {number} seconds
 * @returns {Promise<Measurement>}
 */
async function load({ uri }, contestant, scenario, setting, seconds) {
  if (typeof scenario.load === 'string') {
    const args = nbdcopyArguments(scenario.load, { uri, image: setting.image });
    contestant.clientCommand = ['nbdcopy', ...args];
    return runNbdcopy(args, setting.imageMiB);
  }
  const range = rangeOf(scenario, setting);
  const args = fioArguments(scenario.load, { uri, seconds, ...range });
  contestant.clientCommand = ['fio', ...args];
  const answer = await runFio(args, {
    answer: join(setting.workDir, 'answer.json'),
    seconds: range.once === true ? MOST_SECONDS : seconds,
  });
  return readFioAnswer(answer, scenario.load, scenario.unit);
}

/** @param {Scenario} scenario @param {Setting} setting @returns {{ size: string, offset?: string, once?: boolean }} */
function rangeOf({ disk, area, luks }, setting) {
  if (luks) return { size: `${setting.imageMiB - HEADER_MIB}M` };
  if (area === undefined) return { size: disk === 'ram' ? setting.ramSize : setting.imageSize };
  const written = verifiedMiB(setting);
  if (area === 'written') return { size: `${written}M` };
  return { offset: `${written}M`, size: `${setting.imageMiB - written}M`, once: area === 'fresh' };
}
