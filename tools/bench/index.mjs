// @ts-check
/**
 * The benchmark: Interposer's NBD server against nbdkit and qemu-nbd, and the core in process.
 * How to run it and how to read it: README.md.
 */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { busyWarning, describeEnvironment } from './environment.mjs';
import { copyFor, makeImage, warmImage } from './image.mjs';
import { luksImageFor } from './luks.mjs';
import { runMicro } from './micro.mjs';
import { parseOptions, USAGE } from './options.mjs';
import { isInstalled, killChildrenOnExit } from './process.mjs';
import { formatFigures, formatResults } from './report.mjs';
import { summarize } from './results.mjs';
import { runScenario } from './runner.mjs';
import { MICRO, SCENARIOS, selectScenarios, SWAP_STALL } from './scenarios.mjs';
import { imagesFor } from './stacks.mjs';
import { isMissed } from './statistics.mjs';
import { runSwapStall } from './swap-stall.mjs';

/** @typedef {import('./runner.mjs').Setting} Setting */
/** @typedef {import('./scenarios.mjs').Scenario} Scenario */
/** @typedef {import('./results.mjs').ScenarioResult} ScenarioResult */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const OURS = [process.execPath, 'packages/interposer/dist/bin.js'];
const IMAGE_MIB = 1024;
const RAM_MIB = 256;

const EXIT = { ok: 0, error: 1, missed: 2 };

/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`);

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} argv @returns {Promise<number>} the exit code */
async function main(argv) {
  let options, selection;
  try {
    options = parseOptions(argv, join(ROOT, '.cache/bench.json'));
    selection = selectScenarios(options.only);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
    return EXIT.error;
  }
  if (options.help || options.list) {
    say(options.help ? USAGE : listScenarios());
    return EXIT.ok;
  }

  killChildrenOnExit();
  const environment = await describeEnvironment(ROOT);
  const warning = busyWarning(environment);
  if (warning !== undefined) say(warning);
  const setting = makeSetting(options);
  const results = await runAll(selection.scenarios, setting);
  const none = { results: [], errors: [] };
  const swapStall = selection.swapStall ? await runSwapStall(setting) : none;
  const micro = selection.micro ? await runMicro(ROOT) : none;
  const errors = [...errorsOf(results), ...swapStall.errors, ...micro.errors];
  if (results.length + swapStall.results.length + micro.results.length === 0)
    errors.push('nothing was measured');

  const { runs, seconds } = options;
  const report = {
    environment,
    options: { runs, seconds, imageMiB: IMAGE_MIB, ramMiB: RAM_MIB },
    results,
    swapStall: swapStall.results,
    micro: micro.results,
    errors,
  };
  mkdirSync(dirname(resolve(options.json)), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  printReport(report, options.json);
  if (warning !== undefined) say(warning);

  if (errors.length > 0) return EXIT.error;
  return options.strict && countMissed(report) > 0 ? EXIT.missed : EXIT.ok;
}

/** @param {import('./options.mjs').Options} options @returns {Setting} */
function makeSetting({ dir, runs, seconds }) {
  // The path of a UNIX socket is limited to about 100 bytes: sockets never go to --dir.
  const workDir = mkdtempSync(join(tmpdir(), 'interposer-bench-'));
  const imageDir = dir === undefined ? workDir : mkdtempSync(join(resolve(dir), 'interposer-bench-'));
  process.on('exit', () => {
    for (const made of [workDir, imageDir]) rmSync(made, { recursive: true, force: true });
  });
  const override = process.env['INTERPOSER_BENCH_COMMAND'];
  return {
    root: ROOT,
    oursPrefix: override === undefined ? OURS : override.split(' ').filter(Boolean),
    workDir,
    image: join(imageDir, 'image.raw'),
    scratch: join(imageDir, 'scratch.raw'),
    imageMiB: IMAGE_MIB,
    imageSize: `${IMAGE_MIB}M`,
    ramSize: `${RAM_MIB}M`,
    runs,
    seconds,
  };
}

/** @param {Scenario[]} scenarios @param {Setting} setting @returns {Promise<ScenarioResult[]>} */
async function runAll(scenarios, setting) {
  const runnable = scenarios.filter(hasClient);
  makeImages(runnable, setting);
  /** @type {ScenarioResult[]} */
  const results = [];
  for (const scenario of runnable) {
    const contestants = await runScenario(scenario, setting);
    const result = summarize(scenario, contestants, (command) => spell(command, setting));
    results.push(result);
    for (const { name, runs, error, skipped } of contestants) {
      const numbers = runs.map(({ value }) => Math.round(value)).join(' ');
      say(`${scenario.name}  ${name}: ${error ?? skipped ?? `${numbers} ${scenario.unit}`}`);
    }
  }
  return results;
}

/** @param {Scenario} scenario */
function hasClient({ name, load }) {
  const client = typeof load === 'string' ? 'nbdcopy' : 'fio';
  const there = isInstalled(client);
  if (!there) say(`${name}  skipped: ${client} is not installed`);
  return there;
}

/** @param {Scenario[]} scenarios @param {Setting} setting */
function makeImages(scenarios, { image, scratch, imageMiB }) {
  const onDisk = scenarios.filter(({ disk }) => disk !== 'ram');
  if (onDisk.length === 0) return;
  say(`making images of ${imageMiB} MiB, one for each server`);
  makeImage(image, imageMiB);
  for (const scenario of onDisk) {
    for (const name of ['ours', ...Object.keys(scenario.targets)]) {
      for (const copy of copiesFor(name, scenario, { image, scratch })) makeCopy(image, copy);
    }
  }
}

/** @param {string} name @param {Scenario} scenario @param {{ image: string, scratch: string }} paths */
function copiesFor(name, { disk, stack, luks }, { image, scratch }) {
  if (luks) return [luksImageFor(name, image)];
  return stack === undefined
    ? [copyFor(name, disk === 'image' ? image : scratch)]
    : imagesFor(name, stack, image);
}

/** @param {string} image @param {string} copy */
function makeCopy(image, copy) {
  if (existsSync(copy)) return;
  copyFileSync(image, copy);
  warmImage(copy);
}

/**
 * A command as it is kept: to be read and repeated elsewhere, so without this machine's paths.
 *
 * @param {string[]} command
 * @param {Setting} setting
 */
function spell(command, { image, scratch, workDir, root }) {
  return command
    .join(' ')
    .replaceAll(process.execPath, 'node')
    .replaceAll(image, 'IMAGE')
    .replaceAll(scratch, 'SCRATCH')
    .replaceAll(workDir, 'TMP')
    .replaceAll(`${root}/`, '');
}

/** @param {ScenarioResult[]} results @returns {string[]} */
function errorsOf(results) {
  return results.flatMap(({ scenario, servers }) =>
    Object.values(servers).flatMap(({ error }) => (error === undefined ? [] : [`${scenario}: ${error}`])),
  );
}

/** @typedef {import('./micro.mjs').MicroResult} Figure */
/** @typedef {{ results: ScenarioResult[], swapStall: Figure[], micro: Figure[], errors: string[] }} Report */

/** @param {Report} report */
function countMissed({ results, swapStall, micro }) {
  const comparisons = results.flatMap((result) => result.comparisons);
  const verdicts = [...comparisons, ...swapStall, ...micro].map(({ verdict }) => verdict);
  return verdicts.filter((verdict) => verdict !== undefined && isMissed(verdict)).length;
}

/** @param {Report} report @param {string} file */
function printReport(report, file) {
  const { results, swapStall, micro, errors } = report;
  if (results.length > 0) say(`\n${formatResults(results)}`);
  if (swapStall.length > 0) say(`\n${formatFigures(SWAP_STALL, swapStall)}`);
  if (micro.length > 0) say(`\n${formatFigures(MICRO, micro)}`);
  if (errors.length > 0) say(`\nerrors:\n${errors.map((error) => `  ${error}`).join('\n')}`);
  say(`\n${countMissed(report)} targets missed, ${errors.length} errors; written to ${file}`);
}

function listScenarios() {
  const lines = SCENARIOS.map(({ name, targets }) => {
    const wanted = Object.entries(targets).map(([peer, target]) =>
      target === null ? peer : `${peer} >= ${target}x`,
    );
    return `${name.padEnd(28)}${wanted.join(', ')}`;
  });
  return [...lines, `${SWAP_STALL.padEnd(28)}p99 <= 5 ms`, `${MICRO.padEnd(28)}the core in process`].join(
    '\n',
  );
}
