import type { BlockDevice } from './block-device.ts';
import type { Clock } from './clock.ts';
import type { Devices } from './devices.ts';
import { asError } from './errors.ts';
import { releaseFilter } from './filter-acquire.ts';
import type { FilterRules } from './filter-rules.ts';
import type { KeySource } from './key-ring.ts';
import type { LiveTable } from './live-table.ts';
import { loadTable } from './load-table.ts';
import { MappedDevice } from './mapped-device.ts';
import { type QuiesceOptions, thaw } from './quiesce.ts';
import type { Registry } from './registry.ts';
import { parseTable, type TableLine } from './table-text.ts';
import { askToDetach, Transaction, type TransactionContext } from './transaction.ts';
import { within } from './within.ts';

/** Tables claim devices as one holder: two of them may share a disk, as in the kernel. */
const TABLE_HOLDER = 'table';

/** What the life of an engine's devices depends on. */
export interface LifecycleContext {
  readonly devices: Devices;
  readonly registry: Registry;
  readonly rules: FilterRules;
  readonly clock: Clock;
  readonly keys: KeySource;
  /** Milliseconds that an edit waits for the bios inside devices. */
  readonly drainTimeout: number;
  readonly log: (message: string) => void;
}

/** How devices come, get their tables and filters, and go: the steps that several verbs of an engine share. */
export class DeviceLifecycle {
  readonly #context: LifecycleContext;

  constructor(context: LifecycleContext) {
    this.#context = context;
  }

  /** How long an edit waits. */
  get quiesceOptions(): QuiesceOptions {
    return { clock: this.#context.clock, timeout: this.#context.drainTimeout };
  }

  /** Begins a transaction, lets `work` fill it, and commits it; gives up what was acquired if something fails. */
  async transact<T>(work: (transaction: Transaction) => T | Promise<T>): Promise<T> {
    const transaction = new Transaction(this.#transactionContext);
    let result: T;
    try {
      result = await work(transaction);
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    await transaction.commit();
    return result;
  }

  /** Builds a table for a device; it is not in a slot yet. */
  build(device: MappedDevice, lines: readonly TableLine[], readOnly: boolean): Promise<LiveTable> {
    return loadTable(lines, {
      device,
      registry: this.#context.registry,
      readOnly,
      clock: this.#context.clock,
      keys: this.#context.keys,
      log: this.#context.log,
      event: () => {
        device.raiseEvent();
      },
      open: (spec, claim, mode = readOnly ? 'read' : 'write') =>
        this.#context.devices.open(spec, {
          mode,
          claim,
          holder: TABLE_HOLDER,
          owner: device,
        }),
    });
  }

  /** Builds a table and puts it into the device's inactive slot. */
  async load(device: MappedDevice, lines: readonly TableLine[], readOnly: boolean): Promise<void> {
    await device.loadInactive(await this.build(device, lines, readOnly));
  }

  /**
   * Resumes a device. With its first table it arrives: no bio passes before the filters that rules give it are there, and
   * when one of them cannot be the device stays suspended.
   */
  async resume(device: MappedDevice, options: { readonly noflush?: boolean }): Promise<void> {
    const arrives = device.live === null && device.inactive !== null;
    if (!arrives) return device.resume(options, this.quiesceOptions);
    device.gate.close();
    try {
      await device.resume(options, this.quiesceOptions);
      await this.#context.devices.arrive(device);
    } catch (error) {
      await device.suspend({}, this.quiesceOptions);
      throw error;
    } finally {
      thaw([device]);
    }
    return undefined;
  }

  /** Gives a device that nobody sends bios to yet the filters that rules have for it, lowest first. */
  async attachByRules(device: BlockDevice): Promise<void> {
    const requests = this.#context.rules.requestsFor(device.name);
    if (requests.length === 0) return;
    await this.transact(async (transaction) => {
      for (const request of requests) (await transaction.attach(device, request)).byRule = true;
    });
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
    const wasSuspended = device.suspended;
    try {
      await device.suspend({}, this.quiesceOptions);
      await this.detachAll(device);
    } catch (error) {
      if (!wasSuspended) await device.goOn();
      this.#context.devices.mapped.putBack(device);
      throw error;
    }
    await device.destroy();
    await this.#context.devices.settle();
  }

  /**
   * Orderly: highest first, so that upper filters may still write through lower ones. All are asked before the first goes, so
   * that one that objects (EBUSY) keeps all of them.
   */
  async detachAll(device: BlockDevice): Promise<void> {
    for (const step of device.stack.steps) askToDetach(step);
    for (const step of [...device.stack.steps]) {
      await this.transact((transaction) => {
        transaction.detach(step);
      });
    }
  }

  /** Takes all filters off a device that nobody uses: as `detachAll`, but of a lost one lowest first, without asking. */
  async strip(device: BlockDevice): Promise<void> {
    if (!device.lost) return this.detachAll(device);
    for (const step of [...device.stack.steps].reverse()) {
      device.drop(step);
      await releaseFilter(step).catch((error: unknown) => this.#note(device, error));
    }
    return undefined;
  }

  /**
   * A surprise: the device is gone. Bios that wait, that a filter holds, and that come fail with ENODEV; its filters go
   * lowest first and are not asked; whoever has it open keeps a port that answers nothing else. Never fails: what a filter
   * says to it is logged.
   */
  async vanish(device: BlockDevice): Promise<void> {
    device.lose();
    // Its driver may have told of the loss while somebody yanked it.
    if (!this.#context.devices.forget(device)) return;
    this.#logged(device, () => device.driver.presuspend?.());
    device.failHeld();
    await this.strip(device);
    const idle = device.gate.inflight === 0;
    const closing = closeWhenIdle(device);
    closing.catch((error: unknown) => this.#note(device, error));
    // With bios still below, its targets see them come back before they close; nobody waits for that, nor for ever.
    const { clock, drainTimeout } = this.#context;
    if (device instanceof MappedDevice && idle)
      await within(closing, clock, drainTimeout, 'it did not close').catch(() => undefined);
    await this.#context.devices.settle();
  }

  get #transactionContext(): TransactionContext {
    return {
      clock: this.#context.clock,
      keys: this.#context.keys,
      drainTimeout: this.#context.drainTimeout,
      log: this.#context.log,
      open: (spec, options) => this.#context.devices.open(spec, options),
      event: raiseEvent,
    };
  }

  #logged(device: BlockDevice, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#note(device, error);
    }
  }

  #note(device: BlockDevice, error: unknown): void {
    this.#context.log(`${device.name}: ${asError(error).message}`);
  }
}

/** What is below a lost device may still have bios, which it ends when it can. */
async function closeWhenIdle(device: BlockDevice): Promise<void> {
  await device.gate.drain(false);
  await (device instanceof MappedDevice ? device.destroy() : device.driver.close());
}

function raiseEvent(device: BlockDevice): void {
  if (device instanceof MappedDevice) device.raiseEvent();
}
