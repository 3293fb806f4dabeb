import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Port } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';
import { stepsToSkip } from './vector-exceptions.ts';

// Each recorded command of dmsetup is run here with our names and numbers in place of the kernel's: standard output and
// exit code must be the same to the byte, and standard error too but for the lines that say more.

interface Step {
  readonly argv?: readonly string[];
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
  readonly hold?: string;
  readonly release?: boolean;
  readonly io?: string;
  readonly device?: string;
  readonly sector?: number;
  readonly count?: number;
  readonly background?: string;
  readonly join?: string;
}

interface Scenario {
  readonly name: string;
  readonly disks: Readonly<
    Record<string, { readonly devno: string; readonly sectors: number; readonly options?: string }>
  >;
  readonly files?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

interface Vectors {
  readonly dmMajor: number;
  readonly scenarios: readonly Scenario[];
}

function vectors(name: string): Vectors {
  const path = new URL(`../../conformance/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Vectors;
}

const directory = tempDirectory();

/** The exit code of a recorded command that was stopped after two seconds. */
const STILL_WAITING = 124;

/** Runs a scenario with images in place of its disks. */
class Replay {
  readonly #bench: Workbench;
  readonly #dir: string;
  readonly #scenario: Scenario;
  readonly #numbers = new Map<string, string>();
  readonly #background = new Map<string, Promise<unknown>>();
  readonly #ports: Port[] = [];
  /** What differs from the recording. */
  readonly #differences: string[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#dir = join(directory, scenario.name);
    mkdirSync(this.#dir);
    this.#bench = new Workbench(this.#dir);
  }

  async run(): Promise<void> {
    const { disks, files = {}, steps } = this.#scenario;
    for (const [at, [path, { devno, sectors, options }]] of Object.entries(disks).entries()) {
      const image = makeImage(this.#dir, path.replace('/dev/', ''), sectors);
      if (options === undefined) {
        // Kept open, so that each disk has its number whatever comes first.
        await this.#bench.host.engine.open(image, { claim: 'noexcl', holder: 'test' });
        this.#numbers.set(devno, `7:${String(at)}`);
      }
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#dir, name), this.#ours(text));
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at]!;
      const skipped = step.argv === undefined ? 0 : stepsToSkip(this.#scenario.name, commandText(step));
      if (skipped === 0) await this.#step(step);
      else at += skipped - 1;
    }
    expect(this.#differences).toEqual([]);
  }

  async #step(step: Step): Promise<void> {
    if (step.code === STILL_WAITING) return;
    if (step.hold !== undefined)
      this.#ports.push(await this.#bench.host.engine.open(step.hold, { claim: 'noexcl', mode: 'read' }));
    else if (step.release === true) this.#ports.pop()?.close();
    else if (step.io === 'read') await this.#read(step.device!, step.sector!, step.count!);
    else if (step.join !== undefined) await this.#background.get(step.join);
    else if (step.argv?.[0] === 'dmsetup') await this.#command(step);
    // A removal that waited for its last user runs by itself.
    await this.#bench.connect().list();
    await new Promise(setImmediate);
  }

  async #read(device: string, sector: number, count: number): Promise<void> {
    await this.#bench
      .connect()
      .read(device, sector, count)
      .catch(() => undefined);
  }

  async #command(step: Step): Promise<void> {
    const args = step.argv!.slice(1).map((word) => this.#ours(word));
    // Between the refusals the device is removed where one came into being, without a word in the recording.
    if (step.stdin !== undefined && args[0] === 'create' && args[1] === 'r')
      await this.#bench.run(['remove', 'r']);
    const run = this.#bench.run(args, { stdin: this.#ours(step.stdin ?? '') });
    if (step.background !== undefined) {
      this.#background.set(step.background, run);
      return;
    }
    const outcome = await run;
    const ours = { code: outcome.code, stdout: outcome.stdout, stderr: comparable(outcome.stderr) };
    const theirs = {
      code: step.code,
      stdout: this.#ours(step.stdout ?? ''),
      stderr: comparable(this.#ours(step.stderr ?? '')),
    };
    if (!isDeepStrictEqual(ours, theirs)) this.#differences.push(JSON.stringify({ args, ours, theirs }));
  }

  /** The kernel's names and numbers in a text as they are here. */
  #ours(text: string): string {
    let result = text
      .replace(/\bdmsetup: /g, 'interposer: ')
      .replace(/\b253\b(?=[:,']| -m|$)/g, '254#')
      .replace(/\b253 {3}(?=\d)/g, '254#   ')
      .replace(/^254#$/g, '254');
    for (const [theirs, ours] of this.#numbers) {
      const [major = '', minor = ''] = theirs.split(':');
      const [ourMajor = '', ourMinor = ''] = ours.split(':');
      result = result.replaceAll(
        new RegExp(`\\b${major}(:|, )${minor}\\b(?!#)`, 'g'),
        `${ourMajor}$1${ourMinor}`,
      );
    }
    for (const disk of Object.keys(this.#scenario.disks)) {
      const image = join(this.#dir, disk.replace('/dev/', ''));
      result = result.replaceAll(new RegExp(`${disk}\\b`, 'g'), image);
      result = result
        .replaceAll(`(${disk.replace('/dev/', '')})`, `(${image})`)
        .replaceAll(`<${disk.replace('/dev/', '')}>`, `<${image}>`);
    }
    return result.replaceAll('254#', '254');
  }
}

function commandText({ argv = [], stdin }: Step): string {
  return `${argv.slice(1).join(' ')}${stdin === undefined ? '' : ` << ${stdin}`}`;
}

/** Without what dmsetup says of device nodes, which are not here, and what is said here beyond dmsetup's lines. */
function comparable(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !/^interposer: E[A-Z]+: |: open failed: /.test(line))
    .join('\n')
    .replace(/\{USAGE\}[\s\S]*|Usage: [\s\S]*/, 'USAGE');
}

/** Refusals of the targets themselves are repeated by their own tests. */
const ABOUT_TARGETS = ['linear-arguments', 'striped-arguments', 'alignment-4096'];

for (const name of ['dmsetup.json', 'refused.json']) {
  const { scenarios } = vectors(name);
  describe(`the recorded commands of ${name}`, () => {
    for (const scenario of scenarios.filter((one) => !ABOUT_TARGETS.includes(one.name)))
      it(scenario.name, () => new Replay(scenario).run());
  });
}
