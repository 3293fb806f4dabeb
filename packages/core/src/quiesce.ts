import type { Holder } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import type { Clock } from './clock.ts';
import { blaming } from './containment.ts';
import { asError, fail } from './errors.ts';

/** How long to wait for bios in flight, and which may stay. */
export interface QuiesceOptions {
  readonly clock: Clock;
  /** Milliseconds for all devices together. */
  readonly timeout: number;
  /** Devices in which requeued bios may stay: those of a noflush suspend. */
  readonly mayHold?: ReadonlySet<BlockDevice>;
}

/**
 * Closes the gates of devices and waits until no bio is inside: after it, stacks and drivers may be replaced. Goes from the
 * top of the ranks down, for a bio inside an upper device must be able to pass the lower ones to its end. If they do not
 * drain in time all gates open again, and the error names what is stuck.
 */
export async function quiesce(devices: readonly BlockDevice[], options: QuiesceOptions): Promise<void> {
  const closed: BlockDevice[] = [];
  const deadline = options.clock.now() + options.timeout;
  try {
    for (const device of byRank(devices)) {
      closed.push(device);
      closeGate(device);
      await drain(device, options, deadline);
    }
  } catch (error) {
    thaw(closed);
    throw error;
  }
}

/**
 * Runs work at a moment when no bio is inside any of some closed devices. Bios that enter below the top pass a closed gate,
 * so one may have come in since its device was drained.
 */
export async function atRest<T>(
  devices: readonly BlockDevice[],
  options: QuiesceOptions,
  work: () => T,
): Promise<T> {
  const deadline = options.clock.now() + options.timeout;
  for (let busy = findBusy(devices, options); busy !== undefined; busy = findBusy(devices, options)) {
    await drain(busy, options, deadline);
  }
  return work();
}

/**
 * Opens the gates that `quiesce` closed, lower devices first. All are at work before the first gate opens: what a bio that
 * waited leads to at once must find none of them still as it was.
 */
export function thaw(devices: readonly BlockDevice[]): void {
  const rising = byRank(devices).reverse();
  for (const device of rising) if (device.gate.closings === 1) goToWork(device);
  for (const device of rising) device.gate.open();
}

function goToWork(device: BlockDevice): void {
  for (const step of device.stack.steps) if (!step.fenced) contained(step, () => step.filter.resume?.());
  contained({ device, label: 'driver' }, () => device.driver.resume?.());
  device.path.keepsRequeued = false;
  device.path.replayRequeued();
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

function findBusy(devices: readonly BlockDevice[], options: QuiesceOptions): BlockDevice | undefined {
  return devices.find((device) => !device.gate.isDrained(mayHold(device, options)));
}

function mayHold(device: BlockDevice, options: QuiesceOptions): boolean {
  return options.mayHold?.has(device) ?? false;
}

function closeGate(device: BlockDevice): void {
  device.gate.close();
  if (device.gate.closings > 1) return;
  for (const step of device.stack.steps) if (!step.fenced) blaming(step, () => step.filter.presuspend?.());
  blaming({ device, label: 'driver' }, () => device.driver.presuspend?.());
}

async function drain(device: BlockDevice, options: QuiesceOptions, deadline: number): Promise<void> {
  const { gate } = device;
  const { clock, timeout } = options;
  const timer = clock.after(Math.max(0, deadline - clock.now()), () => {
    gate.giveUpDrain();
  });
  const inTime = await gate.drain(mayHold(device, options));
  timer.cancel();
  if (inTime) return;
  const stuck = device.stuck();
  throw fail(
    'ETIMEDOUT',
    `${device.name} did not drain in ${String(timeout)} ms; stuck: ${stuck.length === 0 ? 'nothing that is known' : stuck.join('; ')}`,
  );
}
