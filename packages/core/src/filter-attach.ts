import { type Altitude, parseAltitude } from './altitude.ts';
import { parseArgs } from './args.ts';
import type { BlockDevice } from './block-device.ts';
import type { Clock } from './clock.ts';
import { fail } from './errors.ts';
import { FilterStep } from './filter-stack.ts';
import type { FilterType } from './filter.ts';
import type { Claim, Port } from './port.ts';
import { quiesce, thaw } from './quiesce.ts';
import type { Registry } from './registry.ts';
import { splitWords } from './table-text.ts';

/** What attaching takes. */
export interface AttachContext {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly drainTimeout: number;
  readonly log: (message: string) => void;
  /** Opens a further device that the filter's arguments name, for the device the filter is on. */
  readonly open: (spec: string, claim: Claim, owner: BlockDevice) => Promise<Port>;
  readonly event: (device: BlockDevice) => void;
}

/** A filter as the user names it: `TYPE[@ALTITUDE] ARGS`. */
interface FilterRequest {
  readonly type: FilterType;
  readonly altitude: Altitude;
  readonly words: readonly string[];
}

/**
 * Slides a filter into a device's stack while bios go on: everything that can fail is acquired first, then the gate closes,
 * the bios inside end, the stack changes, the gate opens.
 */
export async function attachFilter(
  device: BlockDevice,
  spec: string,
  context: AttachContext,
): Promise<FilterStep> {
  const request = parseRequest(spec, context.registry);
  const step = await acquire(device, request, context);
  try {
    const stack = device.stack.with(step);
    // Asked once beforehand: if it cannot say, the filter is not attached.
    step.filter.limits?.(device.limits);
    await quiesce([device], { clock: context.clock, timeout: context.drainTimeout });
    device.replaceStack(stack);
    thaw([device]);
    return step;
  } catch (error) {
    await release(step);
    throw error;
  }
}

/** How to detach. */
export interface DetachOptions {
  /** A filter that keeps its bios or vetoes goes too: what it holds fails. */
  readonly force?: boolean;
}

/** Takes a filter out again, and everything it kept with it. EBUSY if it objects. */
export async function detachFilter(
  step: FilterStep,
  context: AttachContext,
  options: DetachOptions = {},
): Promise<void> {
  const { device } = step;
  if (options.force === true) device.fence(step, new Error('detached by force'));
  const veto = step.fenced ? undefined : step.filter.queryDetach?.();
  if (veto !== undefined)
    throw fail('EBUSY', `${step.type.name}@${step.altitude} on ${device.name} will not go: ${veto}`);
  await quiesce([device], { clock: context.clock, timeout: context.drainTimeout });
  device.replaceStack(device.stack.without(step));
  if (device.fault?.culprit === step.label) device.recover();
  thaw([device]);
  await release(step);
}

/** The filter on a device that the user means, by type or by altitude. ENOENT if there is none, EINVAL if several. */
export function findFilter(device: BlockDevice, which: string): FilterStep {
  const [name = '', altitude] = which.split('@');
  const steps = device.stack.steps.filter((step) =>
    /^\d/.test(which)
      ? step.altitude === parseAltitude(which)
      : step.type.name === name && (altitude === undefined || step.altitude === parseAltitude(altitude)),
  );
  const [step] = steps;
  if (step === undefined) throw fail('ENOENT', `no filter ${which} on ${device.name}`);
  if (steps.length > 1) {
    const altitudes = steps.map((one) => one.altitude).join(', ');
    throw fail(
      'EINVAL',
      `${device.name} has several filters ${which}: name the altitude, one of ${altitudes}`,
    );
  }
  return step;
}

function parseRequest(spec: string, registry: Registry): FilterRequest {
  const [head = '', ...words] = splitWords(spec);
  const at = head.indexOf('@');
  const name = at < 0 ? head : head.slice(0, at);
  const type = registry.filter(name);
  if (type === undefined) {
    throw fail(
      'EINVAL',
      `unknown filter type "${name}"; install @interposer/filter-${name} or @interposer/target-${name}, or name its package with --plugin`,
    );
  }
  return { type, altitude: parseAltitude(at < 0 ? type.altitude : head.slice(at + 1)), words };
}

async function acquire(
  device: BlockDevice,
  request: FilterRequest,
  context: AttachContext,
): Promise<FilterStep> {
  const { type, altitude, words } = request;
  const { clock, log } = context;
  const mode = device.limits.readOnly ? 'read' : 'write';
  const port = device.open({ mode, claim: 'noexcl', holder: 'filter', below: altitude, owner: device });
  const opened: Port[] = [];
  try {
    const open = async (spec: string, claim: Claim): Promise<Port> => {
      const other = await context.open(spec, claim, device);
      opened.push(other);
      return other;
    };
    const args = await parseArgs(type.params, words, open, `filter ${type.name}`);
    const event = (): void => {
      context.event(device);
    };
    const filter = await type.attach({ port, altitude, clock, log, event }, args);
    return new FilterStep(device, type, altitude, filter, port, opened);
  } catch (error) {
    for (const other of [...opened, port]) other.close();
    throw error;
  }
}

async function release(step: FilterStep): Promise<void> {
  try {
    await step.filter.detach?.();
  } finally {
    for (const port of [...step.others, step.port]) port.close();
  }
}
