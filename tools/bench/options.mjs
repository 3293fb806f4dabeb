// @ts-check
/** The command line of the benchmark: text in, checked options out. */

import { parseArgs } from 'node:util';

/**
 * @typedef {object} Options
 * @property {number} runs counted runs of each server per scenario
 * @property {number} seconds length of one fio run
 * @property {string[]} only names (or beginnings of names) of the scenarios to run; empty = all
 * @property {string} json where the results are written
 * @property {string | undefined} dir where the images live
 * @property {boolean} strict a missed target makes the exit code 2
 * @property {boolean} list print the scenarios and stop
 * @property {boolean} help
 */

export const USAGE = `usage: node tools/bench/index.mjs [options]
  --quick           1-second runs, 3 of each: a smoke test, not a measurement
  --runs N          counted runs of each server per scenario (default 5, at least 3)
  --seconds S       length of one fio run (default 3)
  --only NAME,...   only these scenarios; a beginning of a name selects all it fits ("file-")
  --json FILE       where the results go (default .cache/bench.json)
  --dir DIR         where the images are made (default: the temporary directory)
  --strict          exit 2 if a target is missed
  --list            print the scenarios with their targets and stop
environment:
  INTERPOSER_BENCH_COMMAND   starts the server under test instead of the built CLI, split at
                             spaces; "serve DISK --unix SOCKET" or another verb is added to it`;

/** Fewer runs have no middle, and one disturbed run would decide. */
const LEAST_RUNS = 3;

/**
 * @param {string[]} argv arguments after the script name
 * @param {string} defaultJson
 * @returns {Options}
 * @throws {Error} with a message for the user
 */
export function parseOptions(argv, defaultJson) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      dir: { type: 'string' },
      strict: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    runs: wholeNumber('--runs', values.runs ?? (values.quick ? '3' : '5'), LEAST_RUNS),
    seconds: wholeNumber('--seconds', values.seconds ?? (values.quick ? '1' : '3'), 1),
    only: (values.only ?? '').split(',').filter((name) => name !== ''),
    json: values.json ?? defaultJson,
    dir: values.dir,
    strict: values.strict === true,
    list: values.list === true,
    help: values.help === true,
  };
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 */
function wholeNumber(name, text, least) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least) {
    throw new Error(`${name} wants a whole number of at least ${least}, not "${text}"`);
  }
  return number;
}
