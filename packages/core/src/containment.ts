import type { Bio, Holder } from './bio.ts';
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
  const device = bio.holder?.device ?? bio.origin;
  const error = new Error(`${bio.holder?.label ?? 'somebody'} ${what}: ${bio.toString()}`);
  if (device !== null) device.reportFault(bio.holder?.label ?? 'unknown', error);
}

/**
 * What a plugin threw off the path of bios: a verb fails with it, or goes on without an answer. An error of the contract is
 * an answer; anything else is a fault, told with the name of the plugin.
 */
export function blame({ device, label }: Holder, error: unknown): void {
  if (!isInterposerError(error)) device.reportFault(label, asError(error));
}
