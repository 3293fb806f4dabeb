import type { Holder } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import type { Clock } from './clock.ts';
import { asError, fail } from './errors.ts';

/** How long to wait for bios in flight, and which may stay. */
export interface QuiesceOptions {
  readonly clock: Clock;
  /** Milliseconds for each device. */
  readonly timeout: number;
  /** Requeued bios may stay: a noflush suspend. */
  readonly mayHold?: boolean;
}

/**
 * Closes the gates of devices and waits until no bio is inside: after it, stacks and drivers may be replaced. Goes from the
 * top of the ranks down, for a bio inside an upper device must be able to pass the lower ones to its end. If one does not
 * drain in time all gates open again, and the error names what is stuck.
 */
export async function quiesce(devices: readonly BlockDevice[], options: QuiesceOptions): Promise<void> {
  const closed: BlockDevice[] = [];
  try {
    for (const device of byRank(devices)) {
      closed.push(device);
      closeGate(device);
      await drain(device, options);
    }
  } catch (error) {
    thaw(closed);
    throw error;
  }
}

/** Opens the gates that `quiesce` closed, lower devices first. */
export function thaw(devices: readonly BlockDevice[]): void {
  for (const device of byRank(devices).reverse()) {
    if (device.gate.closings === 1) {
      for (const step of device.stack.steps) if (!step.fenced) contained(step, () => step.filter.resume?.());
      contained({ device, label: 'driver' }, () => device.driver.resume?.());
      device.path.keepsRequeued = false;
      device.path.replayRequeued();
    }
    device.gate.open();
  }
}

/** The gate opens whatever a plugin does: one that throws is fenced. */
function contained(holder: Holder, work: () => void): void {
  try {
    work();
  } catch (error) {
    holder.device.fence(holder, asError(error));
  }
}

function byRank(devices: readonly BlockDevice[]): BlockDevice[] {
  return [...devices].sort((a, b) => b.path.rank - a.path.rank);
}

function closeGate(device: BlockDevice): void {
  device.gate.close();
  if (device.gate.closings > 1) return;
  for (const { filter, fenced } of device.stack.steps) if (!fenced) filter.presuspend?.();
  device.driver.presuspend?.();
}

async function drain(
  device: BlockDevice,
  { clock, timeout, mayHold = false }: QuiesceOptions,
): Promise<void> {
  const { gate } = device;
  const timer = clock.after(timeout, () => {
    gate.giveUpDrain();
  });
  const inTime = await gate.drain(mayHold);
  timer.cancel();
  if (inTime) return;
  const stuck = device.stuck();
  throw fail(
    'ETIMEDOUT',
    `${device.name} did not drain in ${String(timeout)} ms; stuck: ${stuck.length === 0 ? 'nothing that is known' : stuck.join('; ')}`,
  );
}
