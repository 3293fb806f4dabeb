import type { BlockDevice } from './block-device.ts';
import type { Clock } from './clock.ts';
import type { Devices } from './devices.ts';
import { type AttachContext, detachFilter } from './filter-attach.ts';
import { loadTable } from './load-table.ts';
import { MappedDevice } from './mapped-device.ts';
import type { Registry } from './registry.ts';
import { parseTable, type TableLine } from './table-text.ts';

/** Tables claim devices as one holder: two of them may share a disk, as in the kernel. */
const TABLE_HOLDER = 'table';

/** What the life of an engine's devices depends on. */
export interface LifecycleContext {
  readonly devices: Devices;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Milliseconds that an edit waits for the bios inside a device. */
  readonly drainTimeout: number;
  readonly log: (message: string) => void;
}

/** How mapped devices get their tables, and how devices go: the steps that several verbs of an engine share. */
export class DeviceLifecycle {
  readonly #context: LifecycleContext;

  constructor(context: LifecycleContext) {
    this.#context = context;
  }

  /** How long an edit waits. */
  get quiesceOptions(): { clock: Clock; timeout: number } {
    return { clock: this.#context.clock, timeout: this.#context.drainTimeout };
  }

  /** What attaching and detaching takes. */
  get attachContext(): AttachContext {
    return {
      registry: this.#context.registry,
      clock: this.#context.clock,
      drainTimeout: this.#context.drainTimeout,
      log: this.#context.log,
      open: (spec, claim, owner) =>
        this.#context.devices.open(spec, { mode: 'write', claim, holder: 'filter', owner }),
      event: raiseEvent,
    };
  }

  /** Builds a table and puts it into the device's inactive slot. */
  async load(device: MappedDevice, lines: readonly TableLine[], readOnly: boolean): Promise<void> {
    const table = await loadTable(lines, {
      device,
      registry: this.#context.registry,
      readOnly,
      clock: this.#context.clock,
      log: this.#context.log,
      event: () => {
        device.raiseEvent();
      },
      open: (spec, claim) =>
        this.#context.devices.open(spec, {
          mode: readOnly ? 'read' : 'write',
          claim,
          holder: TABLE_HOLDER,
          owner: device,
        }),
    });
    await device.loadInactive(table);
  }

  /** What `remove --force` does first, so that nobody waits for the device's bios: an error target over all of it. */
  async replaceByError(device: MappedDevice): Promise<void> {
    const { sectors } = device.limits;
    if (device.live === null || sectors === 0) return;
    await this.load(device, parseTable(`0 ${String(sectors)} error`), false);
    await device.resume({ noflush: true }, this.quiesceOptions);
  }

  /** Takes a mapped device down. EBUSY from a filter that objects, ETIMEDOUT from bios that stay; then it stands as before. */
  async destroy(device: MappedDevice): Promise<void> {
    // From here on nobody finds it, so nobody opens it.
    this.#context.devices.mapped.delete(device);
    try {
      if (!device.suspended) await device.suspend({}, this.quiesceOptions);
      await this.detachAll(device);
    } catch (error) {
      this.#context.devices.mapped.putBack(device);
      throw error;
    }
    await device.destroy();
    await this.#context.devices.settle();
  }

  /** Orderly: highest first, so that upper filters may still write through lower ones. */
  async detachAll(device: BlockDevice): Promise<void> {
    for (const step of [...device.stack.steps]) await detachFilter(step, this.attachContext);
  }
}

function raiseEvent(device: BlockDevice): void {
  if (device instanceof MappedDevice) device.raiseEvent();
}
