// @ts-check
/** A scenario of one server that has a filter in half of the runs: what the filter costs, and nothing else. */

import { makeContestant, messageOf } from './contestant.mjs';
import { RAM_DISK, ramDisk, startDaemon } from './daemon.mjs';

/** @typedef {import('./runner.mjs').Contestant} Contestant */
/** @typedef {import('./runner.mjs').Setting} Setting */
/** @typedef {import('./scenarios.mjs').Scenario} Scenario */

/**
 * @param {Scenario} scenario
 * @param {string} filter as `filter attach` takes it, with `TMP` for a directory to write to
 * @param {Setting} setting
 * @returns {Promise<Contestant[]>} the server with the filter, and the same without
 */
export async function enterToggled(scenario, filter, setting) {
  const words = filter.replaceAll('TMP', setting.workDir).split(' ');
  const [type = ''] = words;
  /** @type {Pick<Contestant, 'server' | 'serverCommand' | 'error'>} */
  let shared = { server: undefined, serverCommand: [], error: undefined };
  /** @type {(on: boolean) => Promise<void>} */
  let toggle = async () => {};
  try {
    const daemon = await startDaemon(scenario.name, setting, ramDisk(setting));
    shared = { ...shared, server: daemon.server, serverCommand: daemon.command };
    let isOn = false;
    toggle = async (on) => {
      if (on === isOn) return;
      await (on
        ? daemon.run('filter', 'attach', RAM_DISK, ...words)
        : daemon.run('filter', 'detach', RAM_DISK, type));
      isOn = on;
    };
  } catch (error) {
    shared.error = `the daemon did not come up: ${messageOf(error)}`;
  }
  const contestant = (/** @type {'ours' | 'bare'} */ name) =>
    makeContestant(name, { ...shared, prepare: () => toggle(name === 'ours') });
  return [contestant('ours'), contestant('bare')];
}
