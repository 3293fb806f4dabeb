import { relative, resolve } from 'node:path';
import { System } from '../attach/system.ts';
import { countOption } from '../option-values.ts';
import type { Command } from '../verb.ts';
import { plan } from './plan.ts';
import { ProgressDisplay } from './progress.ts';
import { reportForPeople, reportJson, writeJunit } from './report.ts';
import { search } from './search.ts';
import { shellWord } from './shell-word.ts';

/** The exit code when there are states that the check does not survive. */
const FOUND = 2;

/** That of what could not be done: a program that writes nothing has most likely not used the disk at all. */
const NOTHING_TRIED = 1;

/** Records a program, or takes a log that there is, searches it and reports. Resolves to the exit code. */
export async function crashTest(command: Command): Promise<number> {
  const { options, around } = command;
  const { cwd, env, stderr, stop } = around;
  const jobs = countOption(options, 'jobs');
  const system = new System();
  const log = (message: string): void => {
    stderr.write(`interposer: ${message}\n`);
  };
  const { folder, settings } = await plan(command, { system, log });
  const display = options.has('json') ? undefined : new ProgressDisplay(stderr);
  const advice = `interposer crash-test --resume ${shellWord(relative(cwd, folder))} goes on`;
  const context = { folder, advice, jobs, system, userEnv: env, stop, display, log };
  const result = await search(settings, context);
  // First, for the file of the other may be one that cannot be written.
  command.show(reportJson(folder, settings, result), () => reportForPeople(folder, cwd, result));
  const junit = options.get('junit');
  if (junit !== undefined) writeJunit(resolve(cwd, junit), settings, result);
  if (result.failures.length > 0) return FOUND;
  if (result.epochs.some(({ writes, fua }) => writes + fua > 0)) return 0;
  log('nothing was written to the disk, so there was no power cut to try');
  return NOTHING_TRIED;
}
