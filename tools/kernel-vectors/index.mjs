// @ts-check
/** Records what a real kernel does with cases, and looks whether it still does. How to: README.md. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../../packages/core/dist/index.js';
import { generate, GROUPS } from './generate/index.mjs';
import { record } from './machine.mjs';
import { WRITTEN, writtenCases } from './written.mjs';

/** @typedef {import('./machine.mjs').VectorFile} VectorFile */

const FOLDER = fileURLToPath(new URL('../../packages/conformance/vectors/generated/', import.meta.url));
const SEED = 1;
const COUNT = 80;
/** Cases that are verified before what differs is told. */
const AT_ONCE = 100;
const USAGE = `usage: vectors record [GROUP...] [--count N] [--seed N]    records cases, ${COUNT} of each group
       vectors verify [--sample N|all] [--seed N]          records some again, or all, and compares
groups: ${[...GROUPS, WRITTEN].join(', ')}`;

process.exitCode = await main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  return 1;
});

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string', default: String(COUNT) },
      seed: { type: 'string' },
      sample: { type: 'string', default: '50' },
    },
  });
  const [verb, ...groups] = positionals;
  if (verb === 'record') return recordGroups(groups, Number(values.seed ?? SEED), Number(values.count));
  if (verb === 'verify') return verify(sampleOf(values.sample), Number(values.seed ?? Date.now() % 2 ** 32));
  throw new Error(USAGE);
}

/** @param {readonly string[]} named @param {number} seed @param {number} count */
async function recordGroups(named, seed, count) {
  const all = [...GROUPS, WRITTEN];
  const wrong = named.find((group) => !all.includes(group));
  if (wrong !== undefined) throw new Error(`no group "${wrong}"\n${USAGE}`);
  mkdirSync(FOLDER, { recursive: true });
  for (const group of named.length === 0 ? all : named) {
    const cases = group === WRITTEN ? writtenCases() : await generate(group, seed, count);
    const file = await record(cases);
    writeFileSync(`${FOLDER}${group}.json`, textOf(file));
    process.stdout.write(`${group}: ${file.cases.length} cases\n`);
  }
  return 0;
}

/** A case on each line, so that a change shows where it is. @param {VectorFile} file */
function textOf({ cases, ...head }) {
  const lines = cases.map((one) => JSON.stringify(one)).join(',\n');
  return `${JSON.stringify(head).slice(0, -1)},"cases":[\n${lines}\n]}\n`;
}

/** @param {string} word @returns {number} */
function sampleOf(word) {
  if (word === 'all') return Infinity;
  if (/^\d+$/.test(word)) return Number(word);
  throw new Error(`--sample takes a number or all, not ${word}\n${USAGE}`);
}

/** Cases of all groups, mixed up, so that it is seen too whether one depends on those before. @param {number} sample @param {number} seed */
async function verify(sample, seed) {
  const random = new Random(seed);
  const recorded = readdirSync(FOLDER).flatMap((name) => read(name).cases);
  const chosen = Array.from({ length: Math.min(sample, recorded.length) }, () =>
    recorded.splice(random.below(recorded.length), 1),
  ).flat();
  let found = 0;
  for (let at = 0; at < chosen.length; at += AT_ONCE) {
    const differences = await differencesOf(chosen.slice(at, at + AT_ONCE));
    found += differences.length;
    process.stdout.write(differences.join(''));
  }
  const steps = chosen.reduce((sum, one) => sum + one.steps.length, 0);
  process.stdout.write(
    `${chosen.length} cases, ${steps} steps (seed ${seed}), ${found} ${found === 1 ? 'difference' : 'differences'}\n`,
  );
  return found === 0 ? 0 : 1;
}

/** @param {VectorFile['cases']} recorded @returns {Promise<string[]>} */
async function differencesOf(recorded) {
  const again = await record(
    recorded.map(({ name, steps }) => ({ name, steps: steps.map(([step]) => step) })),
  );
  return recorded.flatMap(({ name, steps }, index) =>
    steps.flatMap(([step, seen], at) => {
      const now = again.cases[index]?.steps[at]?.[1];
      return now === seen ? [] : [`${name}: ${step}\n  recorded: ${seen}\n  now:      ${now}\n`];
    }),
  );
}

/** @param {string} name @returns {VectorFile} */
function read(name) {
  return JSON.parse(readFileSync(FOLDER + name, 'utf8'));
}
