import { relative, resolve } from 'node:path';
import { System } from '../attach/system.ts';
import type { Command } from '../verb.ts';
import { countOption } from './options.ts';
import { plan } from './plan.ts';
import { ProgressDisplay } from './progress.ts';
import { reportForPeople, reportJson, writeJunit } from './report.ts';
import { search } from './search.ts';

/** The exit code when there are states that the check does not survive. */
const FOUND = 2;

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
  const advice = `interposer crash-test --resume ${relative(cwd, folder)} goes on`;
  const context = { folder, advice, jobs, system, userEnv: env, stop, display, log };
  const result = await search(settings, context);
  const junit = options.get('junit');
  if (junit !== undefined) writeJunit(resolve(cwd, junit), settings, result);
  command.show(reportJson(folder, settings, result), () => reportForPeople(folder, cwd, result));
  return result.failures.length === 0 ? 0 : FOUND;
}
