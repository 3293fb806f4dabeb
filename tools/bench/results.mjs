// @ts-check
/** From the runs of a scenario to its result: what the JSON file holds and the table shows. */

import { compareRounds, judge, median } from './statistics.mjs';

/** @typedef {import('./runner.mjs').Contestant} Contestant */
/** @typedef {import('./scenarios.mjs').Scenario} Scenario */

/**
 * @typedef {object} ServerResult
 * @property {number | undefined} median in the scenario's unit
 * @property {number[]} runs
 * @property {number | undefined} p50us median over the runs
 * @property {number | undefined} p99us median over the runs
 * @property {number | undefined} cpuMicrosecondsPerRequest of the server process, all its threads
 * @property {string} serverCommand
 * @property {string} clientCommand
 * @property {string | undefined} error
 * @property {string | undefined} skipped
 */

/**
 * @typedef {object} Comparison
 * @property {string} peer
 * @property {number | null} target
 * @property {number} [ratio] absent where one side has no complete runs
 * @property {number} [min] least ratio of a round
 * @property {number} [max] greatest ratio of a round
 * @property {import('./statistics.mjs').Verdict} [verdict]
 */

/**
 * @typedef {object} ScenarioResult
 * @property {string} scenario
 * @property {string} unit
 * @property {Record<string, ServerResult>} servers
 * @property {Comparison[]} comparisons
 */

/**
 * @param {Scenario} scenario
 * @param {Contestant[]} contestants ours first
 * @param {(command: string[]) => string} spell a command as text without this machine's paths
 * @returns {ScenarioResult}
 */
export function summarize(scenario, contestants, spell) {
  const [ours, ...peers] = contestants;
  if (ours === undefined) throw new Error('a scenario without servers');
  return {
    scenario: scenario.name,
    unit: scenario.unit,
    servers: Object.fromEntries(
      contestants.map((contestant) => [contestant.name, serverResult(contestant, spell)]),
    ),
    comparisons: peers.map((peer) => {
      const target = scenario.targets[/** @type {import('./scenarios.mjs').PeerName} */ (peer.name)] ?? null;
      if (!isComplete(ours) || !isComplete(peer)) return { peer: peer.name, target };
      const comparison = compareRounds(values(ours), values(peer));
      return { peer: peer.name, target, ...comparison, verdict: judge(comparison, target) };
    }),
  };
}

/** @param {Contestant} contestant */
const isComplete = ({ error, runs }) => error === undefined && runs.length > 0;

/** @param {Contestant} contestant */
const values = ({ runs }) => runs.map((run) => run.value);

/**
 * @param {Contestant} contestant
 * @param {(command: string[]) => string} spell
 * @returns {ServerResult}
 */
function serverResult(contestant, spell) {
  const { runs, error, skipped } = contestant;
  return {
    median: medianOf(runs.map((run) => run.value)),
    runs: values(contestant),
    p50us: medianOf(runs.map((run) => run.p50us)),
    p99us: medianOf(runs.map((run) => run.p99us)),
    cpuMicrosecondsPerRequest: medianOf(runs.map(cpuPerRequest)),
    serverCommand: spell(contestant.serverCommand),
    clientCommand: spell(contestant.clientCommand),
    error,
    skipped,
  };
}

/** @param {import('./runner.mjs').Run} run */
function cpuPerRequest({ cpuSeconds, requests }) {
  return cpuSeconds === undefined || requests === undefined ? undefined : (cpuSeconds * 1e6) / requests;
}

/** @param {(number | undefined)[]} numbers @returns {number | undefined} of those that are there */
function medianOf(numbers) {
  const there = numbers.filter((number) => number !== undefined);
  return there.length === 0 ? undefined : median(there);
}
