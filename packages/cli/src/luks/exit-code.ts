import { type ErrorCode, isInterposerError } from '@interposer/core';
import { UsageError } from '../command-line.ts';
import { codeOf, CommandFailure, reportFailure } from '../failure.ts';
import type { Command } from '../verb.ts';

/** As cryptsetup's, for scripts that ask why. All else is 1. */
const EXIT_CODES: Readonly<Partial<Record<ErrorCode, number>>> = {
  EACCES: 2,
  ENOMEM: 3,
  ENODEV: 4,
  ENXIO: 4,
  EBUSY: 5,
  EEXIST: 5,
};
const FAILED = 1;
const WRONG_DEVICE = 4;

/** An image or device that cannot be opened, whatever the reason. It is reported as the reason itself. */
class WrongDevice extends CommandFailure {}

/** Opens an image or device. */
export async function opening<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw isInterposerError(error) ? new WrongDevice([], { cause: error, closing: false }) : error;
  }
}

/** Runs a verb. Resolves to its exit code; a failure is written to standard error. */
export async function withExitCode(command: Command, work: () => Promise<unknown>): Promise<number> {
  try {
    await work();
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    reportFailure(error, command.around.stderr, command.options.has('json'));
    if (error instanceof WrongDevice) return WRONG_DEVICE;
    const code = codeOf(error);
    return (code === undefined || isOfFile(error) ? undefined : EXIT_CODES[code]) ?? FAILED;
  }
}

/** A key file or backup that may not be read, or is there already: that says nothing of the volume. */
function isOfFile(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'syscall' in cause;
}
