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
const COUNT = 100;
const USAGE = `usage: vectors record [GROUP...] [--count N] [--seed N]    records cases, ${COUNT} of each group
       vectors verify [--sample N] [--seed N]              records some again and compares
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
  if (verb === 'verify') return verify(Number(values.sample), Number(values.seed ?? Date.now() % 2 ** 32));
  throw new Error(USAGE);
}

/** @param {readonly string[]} named @param {number} seed @param {number} count */
async function recordGroups(named, seed, count) {
  const all = [...GROUPS, WRITTEN];
  const wrong = named.find((group) => !all.includes(group));
  if (wrong !== undefined) throw new Error(`no group "${wrong}"\n${USAGE}`);
  mkdirSync(FOLDER, { recursive: true });
  for (const group of named.length === 0 ? all : named) {
    const cases = group === WRITTEN ? writtenCases() : generate(group, seed, count);
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

/** @param {number} sample @param {number} seed */
async function verify(sample, seed) {
  const random = new Random(seed);
  const recorded = readdirSync(FOLDER).flatMap((name) => read(name).cases);
  const chosen = Array.from({ length: Math.min(sample, recorded.length) }, () =>
    recorded.splice(random.below(recorded.length), 1),
  ).flat();
  const again = await record(chosen.map(({ name, steps }) => ({ name, steps: steps.map(([step]) => step) })));
  const differences = chosen.flatMap(({ name, steps }, index) =>
    steps.flatMap(([step, seen], at) => {
      const now = again.cases[index]?.steps[at]?.[1];
      return now === seen ? [] : [`${name}: ${step}\n  recorded: ${seen}\n  now:      ${now}\n`];
    }),
  );
  process.stdout.write(
    `${differences.join('')}${chosen.length} cases (seed ${seed}), ${differences.length} differences\n`,
  );
  return differences.length === 0 ? 0 : 1;
}

/** @param {string} name @returns {VectorFile} */
function read(name) {
  return JSON.parse(readFileSync(FOLDER + name, 'utf8'));
}
