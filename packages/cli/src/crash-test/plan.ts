import { readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fail, fromSystemError, SECTOR_SIZE } from '@interposer/core';
import type { Options } from '../command-line.ts';
import { sizeOption } from '../option-values.ts';
import type { Command } from '../verb.ts';
import { boundOptions, presentOption } from './options.ts';
import { record, type RecordRequest } from './recorder.ts';
import { makeResultsFolder } from './results-folder.ts';
import { loadSettings, saveSettings } from './settings-file.ts';
import type { Settings } from './settings.ts';

/** A search that can begin. */
export interface Plan {
  /** For its results. */
  readonly folder: string;
  readonly settings: Settings;
}

/** What recording takes besides the command. */
export type PlanContext = Pick<RecordRequest, 'system' | 'log'>;

/** The options that say where a search begins, and those that go with each of them. */
const BEGINNINGS: Readonly<Record<string, readonly string[]>> = {
  run: ['size', 'image', 'prepare', 'check', 'dir', 'present', 'unit', 'verbose'],
  log: ['base', 'check', 'dir', 'present', 'unit'],
  resume: [],
};

/** What is to be searched: a program is recorded first. EINVAL for options that do not go together. */
export async function plan(command: Command, context: PlanContext): Promise<Plan> {
  const { options, around } = command;
  const beginning = beginningOf(options);
  const bounds = boundOptions(options);
  if (beginning === 'resume') {
    const folder = resolve(around.cwd, options.get('resume')!);
    const settings = { ...loadSettings(folder), ...bounds };
    saveSettings(folder, settings);
    return { folder, settings };
  }
  const check = needed(options, 'check');
  const present = presentOption(options) ?? 'image';
  const disks = beginning === 'run' ? await recordProgram(command, context) : recorded(command);
  const { folder, base, log } = disks;
  const settings = { base, log, check, present, cwd: around.cwd, ...bounds };
  saveSettings(folder, settings);
  return { folder, settings };
}

function beginningOf(options: Options): string {
  const given = Object.keys(BEGINNINGS).filter((name) => options.has(name));
  const [beginning] = given;
  if (beginning === undefined || given.length > 1) {
    throw fail(
      'EINVAL',
      'name one thing to search: --run a program, --log a recording, or --resume a search',
    );
  }
  const ofBeginnings = new Set(Object.values(BEGINNINGS).flat());
  const wrong = [...ofBeginnings].find((name) => options.has(name) && !BEGINNINGS[beginning]!.includes(name));
  if (wrong !== undefined) throw fail('EINVAL', `--${wrong} does not go with --${beginning}`);
  return beginning;
}

function needed(options: Options, name: string): string {
  const value = options.get(name);
  if (value === undefined) throw fail('EINVAL', `--${name} is needed`);
  return value;
}

/** Where the disk before the first write, the log and the results are. */
interface Places {
  readonly folder: string;
  readonly base: string;
  readonly log: string;
}

function recorded({ options, around }: Command): Places {
  const [base = '', log = ''] = ['base', 'log'].map((name) => resolve(around.cwd, needed(options, name)));
  for (const path of [base, log]) sizeOf(path);
  return { folder: makeResultsFolder(around.cwd, options.get('dir')), base, log };
}

/** Of a recording that fails nothing is kept. */
async function recordProgram({ options, around }: Command, context: PlanContext): Promise<Places> {
  const { cwd, env, stop, stderr } = around;
  const disk = diskOf(options, cwd);
  const folder = makeResultsFolder(cwd, options.get('dir'));
  const isVerbose = options.has('verbose');
  try {
    const recording = await record({
      ...context,
      folder,
      disk,
      prepare: options.get('prepare'),
      run: needed(options, 'run'),
      cwd,
      userEnv: env,
      stop,
      onOutput: (text) => {
        if (isVerbose) stderr.write(text);
      },
    });
    return { folder, ...recording };
  } catch (error) {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    if (!options.has('dir')) rmSync(folder, { recursive: true });
    throw error;
  }
}

function diskOf(options: Options, cwd: string): RecordRequest['disk'] {
  const bytes = sizeOption(options, 'size');
  const image = options.get('image');
  if ((bytes === undefined) === (image === undefined)) {
    throw fail('EINVAL', 'name the disk: either its --size, or an --image to begin with');
  }
  return bytes === undefined ? { image: wholeImage(resolve(cwd, image!)) } : { bytes };
}

/** The image, if it is made of whole sectors. */
function wholeImage(path: string): string {
  const size = sizeOf(path);
  if (size % SECTOR_SIZE === 0) return path;
  throw fail('EINVAL', `${path} has ${String(size)} bytes, which is no whole number of sectors`);
}

/** In bytes. What is not there is found missing before anything is made. */
function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    throw fromSystemError(error, path);
  }
}
