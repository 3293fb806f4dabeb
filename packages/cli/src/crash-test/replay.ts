import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fail } from '@interposer/core';
import { type CrashState, describeState, loadFailure, stateOf, writeImage } from '@interposer/crash-test';
import { System } from '../attach/system.ts';
import type { Command } from '../verb.ts';
import { Checker } from './checker.ts';
import { withDisks } from './disks.ts';
import { Interruption } from './interruption.ts';
import { presentOption } from './options.ts';
import { Presenter } from './presenter.ts';
import { stateJson } from './report.ts';
import { loadSettings, SETTINGS_FILE } from './settings-file.ts';
import type { Settings } from './settings.ts';
import { endOf, type ShellResult } from './shell-command.ts';
import { withoutUndefined } from '../without-undefined.ts';

/** What a shell adds to the number of the signal that ended a command. */
const SIGNALLED = 128;

/** Makes the disk of a failure again: as a file, or for the check, whose exit code is that of the command. */
export async function replayFailure(command: Command): Promise<number> {
  const { operands, options, around } = command;
  const path = resolve(around.cwd, operands[0]!);
  const failure = await loadFailure(path);
  const settings = settingsFor(dirname(path), command);
  const log = (message: string): void => {
    around.stderr.write(`interposer: ${message}\n`);
  };
  return withDisks(settings, log, async (disks) => {
    const state = await stateOf(failure, disks.base, disks.log);
    const image = options.get('image');
    if (!options.has('json')) command.print(`${describeState(state).trimEnd()}\n`);
    if (image !== undefined) await writeImage(state, resolve(around.cwd, image));
    const isChecked = image === undefined || options.has('check');
    const result = isChecked ? await check(command, settings, state, log) : undefined;
    if (options.has('json')) command.show({ ...stateJson(state), image, check: result }, () => '');
    return result === undefined ? 0 : exitCode(result);
  });
}

/** What the search in the folder of the failure was about, and what the user says otherwise. */
function settingsFor(folder: string, { options, around }: Command): Settings {
  const { cwd } = around;
  const [base, log] = ['base', 'log'].map((name) => options.get(name));
  const given = withoutUndefined({
    base: base === undefined ? undefined : resolve(cwd, base),
    log: log === undefined ? undefined : resolve(cwd, log),
    check: options.get('check'),
    present: presentOption(options),
  });
  if (existsSync(resolve(folder, SETTINGS_FILE))) return { ...loadSettings(folder), ...given };
  if (given.base === undefined || given.log === undefined) {
    throw fail(
      'ENOENT',
      `there is no ${SETTINGS_FILE} beside the failure: name the recording with --log and --base`,
    );
  }
  if (given.check === undefined && !options.has('image'))
    throw fail('EINVAL', '--check is needed, or --image');
  return { check: '', present: 'image', cwd, ...given, base: given.base, log: given.log };
}

/** With what it writes on standard output, as it comes, unless that is for programs. It may take its time. */
async function check(
  command: Command,
  settings: Settings,
  state: CrashState,
  log: (message: string) => void,
): Promise<ShellResult> {
  const { options, around } = command;
  const presenter = new Presenter(settings.present, new System(), log);
  const onOutput = (text: Uint8Array): void => {
    around.stdout.write(text);
  };
  const output = options.has('json') ? {} : { onOutput };
  try {
    const checker = new Checker(settings, { presenter, userEnv: around.env, ...output });
    const result = await checker.run(state, around.stop);
    if (around.stop.aborted) throw new Interruption('');
    if (!options.has('json')) command.print(`${endOf(result)}\n`);
    return result;
  } finally {
    await presenter.close();
  }
}

function exitCode({ code, signal }: ShellResult): number {
  return code ?? SIGNALLED + constants.signals[signal!];
}
