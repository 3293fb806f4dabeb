import type { Bio, Frame, Holder } from './bio.ts';
import { Status } from './constants.ts';
import { asError, isInterposerError } from './errors.ts';

/**
 * A plugin that throws is a bug that core contains: the device is fenced, its bios fail, one `fault` event is raised and
 * everything else goes on. `role` names the culprit where it is not the holder itself.
 */
export function containThrow(holder: Holder | null, error: unknown, role?: string): void {
  const culprit = role ?? holder?.label ?? 'unknown';
  if (holder === null) {
    // No device to fence and nobody to tell: the caller of submit is the only one who can act on it.
    queueMicrotask(() => {
      throw asError(error);
    });
    return;
  }
  if (role === undefined) holder.device.fence(holder, asError(error));
  else holder.device.reportFault(culprit, asError(error));
}

/** A broken rule that does no harm by itself, such as completing twice: reported, and the call has no effect. */
export function reportMisuse(bio: Bio, what: string): void {
  // A bio that was taken from a fenced plugin may still come back from it: that is expected, and told already.
  if (bio.abandoned) return;
  const culprit = culpritOf(bio);
  const device = culprit?.device ?? bio.origin;
  const error = new Error(`${culprit?.label ?? 'somebody'} ${what}: ${bio.toString()}`);
  if (device !== null) device.reportFault(culprit?.label ?? 'unknown', error);
}

/** On its way up a bio is with the frame that runs now; else with its holder. */
function culpritOf(bio: Bio): Holder | null {
  const frame = bio.status >= Status.Ok ? bio.frames[bio.depth] : null;
  const { device } = frame ?? {};
  return device === undefined || frame === device.gate ? bio.holder : (frame as Frame & Holder);
}

/**
 * Runs a call of a plugin off the path of bios. What it throws goes on to the caller, whose verb fails with it. An error of
 * the contract is an answer; anything else is a fault too, told with the name of the plugin.
 */
export function blaming<T>(holder: Holder, call: () => T): T {
  try {
    return call();
  } catch (error) {
    blame(holder, error);
    throw error;
  }
}

/** As `blaming`, for calls that may take time. */
export async function blamingLater<T>(holder: Holder, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    blame(holder, error);
    throw error;
  }
}

/** Errors that were told: they may pass other plugins on their way up, which are not to blame. */
const told = new WeakSet<Error>();

function blame({ device, label }: Holder, thrown: unknown): void {
  if (isInterposerError(thrown)) return;
  const error = asError(thrown);
  if (told.has(error)) return;
  told.add(error);
  device.reportFault(label, error);
}
