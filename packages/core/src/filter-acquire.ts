import type { BlockDevice } from './block-device.ts';
import { type OpenDevice, parseArgs } from './args.ts';
import type { Clock } from './clock.ts';
import { blamingLater } from './containment.ts';
import type { FilterRequest } from './filter-request.ts';
import { FilterStep } from './filter-stack.ts';
import type { KeySource } from './key-ring.ts';
import type { Port, PortOptions } from './port.ts';
import { quotingNoSecret } from './secrets.ts';

/** What making a filter takes. */
export interface AttachContext {
  readonly clock: Clock;
  readonly keys: KeySource;
  readonly log: (message: string) => void;
  /** Opens a further device that the filter's arguments name, for the device the filter is on. */
  readonly open: (spec: string, options: PortOptions) => Promise<Port>;
  readonly event: (device: BlockDevice) => void;
}

/**
 * Makes a filter for a device with everything that can fail; it is not in the stack yet. Claims of the ports it comes in place
 * of do not count.
 */
export async function acquireFilter(
  device: BlockDevice,
  { type, altitude, words }: FilterRequest,
  context: AttachContext,
  inPlaceOf: ReadonlySet<Port>,
): Promise<FilterStep> {
  const { clock, keys, log } = context;
  const mode = device.limits.readOnly ? 'read' : 'write';
  const port = device.open({ mode, claim: 'noexcl', holder: 'filter', below: altitude, owner: device });
  const opened: Port[] = [];
  // Each filter claims what it uses for itself.
  const holder = `filter ${type.name}@${altitude} of ${device.name}`;
  try {
    const open: OpenDevice = async (spec, claim, otherMode = mode) => {
      const other = await context.open(spec, { mode: otherMode, claim, holder, owner: device, inPlaceOf });
      opened.push(other);
      return other;
    };
    const event = (): void => {
      context.event(device);
    };
    const filter = await quotingNoSecret(type.params, words, async () => {
      const args = await parseArgs(type.params, words, open, `filter ${type.name}`);
      return type.attach({ port, altitude, clock, keys, log, event }, args);
    });
    return new FilterStep(device, type, altitude, filter, port, opened);
  } catch (error) {
    for (const other of [...opened, port]) other.close();
    throw error;
  }
}

/** Frees what a filter that is out of the stack acquired. Its ports are closed whatever it says. */
export async function releaseFilter(step: FilterStep): Promise<void> {
  try {
    await blamingLater(step, () => step.filter.detach?.());
  } finally {
    for (const port of [...step.others, step.port]) port.close();
  }
}
