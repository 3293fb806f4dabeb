import { asError, createEngine, fail } from '@interposer/core';
import { type Check, crashImageDriver, searchCrashStates } from '@interposer/crash-test';
import { CrashDisk, type CrashDisks } from './crash-disk.ts';
import { type CrashTestOptions, splitOptions } from './crash-options.ts';
import { CrashTestResult } from './crash-result.ts';
import { createDisk } from './create-disk.ts';
import { Recording } from './recording.ts';

/**
 * Finds out what every power cut could do to a program: runs it once on a disk that keeps a log of its writes, makes the
 * states that a power cut at any moment could have left, within bounds, and checks each of them. Rejects with what `prepare`
 * or `run` rejects with, and with EINVAL where `run` wrote nothing; what `check` rejects with is a failure of its state.
 */
export async function crashTest(options: CrashTestOptions): Promise<CrashTestResult> {
  const { disk: diskOptions, search, prepare, run, check } = splitOptions(options);
  const disk = await createDisk(diskOptions);
  try {
    await prepare?.(disk);
    await disk.flush();
    const recording = await Recording.start(disk);
    try {
      await run(disk, (text) => recording.mark(text));
      await recording.stop();
      const { base, log } = recording;
      const driver = crashImageDriver();
      const disks = { driver, engine: createEngine({ types: [driver] }) };
      const result = await searchCrashStates({ ...search, base, log, check: verdictOf(check, disks) });
      if (result.epochs.every(({ writes, fua }) => writes + fua === 0))
        throw fail('EINVAL', 'run wrote nothing to the disk: there is no power cut to try');
      return new CrashTestResult(result);
    } finally {
      recording.close();
    }
  } finally {
    await disk.close();
  }
}

/** The check of a state on a disk of its own: it fails if it throws. */
function verdictOf(check: CrashTestOptions['check'], disks: CrashDisks): Check {
  return async (state, signal) => {
    const disk = await CrashDisk.open(disks, state);
    try {
      await check(disk, { promises: state.promises, signal });
      return { ok: true };
    } catch (error) {
      return { ok: false, message: asError(error).message };
    } finally {
      await disk.close();
    }
  };
}
