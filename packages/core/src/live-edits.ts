import type { BlockDevice } from './block-device.ts';
import type { Edit } from './control.ts';
import type { DeviceLifecycle } from './device-lifecycle.ts';
import type { Devices } from './devices.ts';
import { fail, isInterposerError } from './errors.ts';
import { findFilter, parseFilter } from './filter-request.ts';
import type { FilterStep } from './filter-stack.ts';
import type { MappedDevice } from './mapped-device.ts';
import type { Registry } from './registry.ts';
import { remapFilter } from './remap.ts';
import { parseTable, quoteWord } from './table-text.ts';
import type { DetachOptions, Transaction } from './transaction.ts';

/** What edits need of their engine. */
export interface LiveEditsContext {
  readonly devices: Devices;
  readonly registry: Registry;
  readonly lifecycle: DeviceLifecycle;
}

/** The edits of live devices, by names and texts. All of them are transactions, most of one step. */
export class LiveEdits {
  readonly #context: LiveEditsContext;

  constructor(context: LiveEditsContext) {
    this.#context = context;
  }

  /** A transaction that `work` fills; devices that it left without users are closed when it is done. */
  async run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const result = await this.#context.lifecycle.transact(work);
    await this.#context.devices.settle();
    return result;
  }

  /** All edits, in order, in one transaction. */
  apply(edits: readonly Edit[]): Promise<void> {
    return this.run(async (transaction) => {
      for (const [index, edit] of edits.entries()) {
        await this.#applyOne(transaction, edit).catch((error: unknown) => {
          throw ofEdit(error, index + 1, edit);
        });
      }
    });
  }

  async attach(transaction: Transaction, device: string, spec: string): Promise<FilterStep> {
    const request = parseFilter(spec, this.#context.registry);
    return transaction.attach(await this.#hold(transaction, device), request);
  }

  async detach(
    transaction: Transaction,
    device: string,
    which: string,
    options: DetachOptions = {},
  ): Promise<void> {
    transaction.detach(await this.#find(transaction, device, which), options);
  }

  async swap(transaction: Transaction, device: string, old: string, spec: string): Promise<FilterStep> {
    const step = await this.#find(transaction, device, old);
    const request = parseFilter(spec, this.#context.registry, step.altitude);
    await this.#hold(transaction, device);
    transaction.detach(step);
    return transaction.attach(step.device, request);
  }

  async startRemap(
    transaction: Transaction,
    mapped: string,
    device: string,
    altitude: string = remapFilter.altitude,
  ): Promise<FilterStep> {
    const donor = this.#context.devices.mapped.get(mapped);
    const [current] = transaction.remapsTo(donor);
    if (current !== undefined) {
      throw fail('EBUSY', `${donor.name} stands in for ${current.device.name} already`);
    }
    return this.attach(transaction, device, `${remapFilter.name}@${altitude} ${quoteWord(donor.name)}`);
  }

  /** EINVAL where the device stands in for none, as in the kernel's patches. */
  finishRemap(transaction: Transaction, mapped: string): void {
    const donor = this.#context.devices.mapped.get(mapped);
    const steps = transaction.remapsTo(donor);
    if (steps.length === 0) throw fail('EINVAL', `${donor.name} stands in for no device`);
    for (const step of steps) {
      this.#pin(transaction, step.device);
      transaction.detach(step);
    }
  }

  async #applyOne(transaction: Transaction, edit: Edit): Promise<void> {
    switch (edit.kind) {
      case 'attach':
        await this.attach(transaction, edit.device, edit.filter);
        break;
      case 'detach':
        await this.detach(transaction, edit.device, edit.filter);
        break;
      case 'swap':
        await this.swap(transaction, edit.device, edit.old, edit.new);
        break;
      case 'reload':
        await this.#reload(transaction, edit.device, edit.table, edit.source);
        break;
      case 'remap-start':
        await this.startRemap(transaction, edit.mapped, edit.device, edit.altitude);
        break;
      case 'remap-finish':
        this.finishRemap(transaction, edit.mapped);
        break;
      default:
        throw fail('EINVAL', `unknown edit ${JSON.stringify((edit as { kind?: unknown }).kind)}`);
    }
  }

  async #reload(transaction: Transaction, name: string, text: string, source?: string): Promise<void> {
    const device: MappedDevice = this.#context.devices.mapped.get(name);
    const lines = parseTable(text, source);
    const readOnly = device.live?.readOnly ?? false;
    await transaction.reload(device, await this.#context.lifecycle.build(device, lines, readOnly));
  }

  async #find(transaction: Transaction, device: string, which: string): Promise<FilterStep> {
    const found = await this.#context.devices.find(device);
    this.#pin(transaction, found);
    return findFilter(found, which, transaction.stackOf(found));
  }

  /** Its last user may let a device go at any time: it stays, and keeps its filters, for as long as the transaction needs it. */
  #pin(transaction: Transaction, device: BlockDevice): void {
    if (!this.#context.devices.all().includes(device)) throw fail('ENXIO', `${device.name} is gone`);
    transaction.keep(device.open({ mode: 'read', claim: 'noexcl', holder: 'filter' }));
  }

  /** A leaf device that is not there yet comes into being, and stays for as long as the transaction needs it. */
  async #hold(transaction: Transaction, name: string): Promise<BlockDevice> {
    const options = { claim: 'noexcl', holder: 'filter' } as const;
    const { devices } = this.#context;
    // For writing, so that a device that is opened here is of use to writers; for reading where it must be.
    const port = await devices.open(name, { ...options, mode: 'write' }).catch((error: unknown) => {
      if (!isInterposerError(error) || !['EROFS', 'EACCES', 'EPERM'].includes(error.code)) throw error;
      return devices.open(name, { ...options, mode: 'read' });
    });
    transaction.keep(port);
    return port.device;
  }
}

/** Says which edit it is that cannot be. */
function ofEdit(error: unknown, number: number, { kind }: Edit): unknown {
  if (!isInterposerError(error)) return error;
  return fail(error.code, `edit ${String(number)}, ${kind}: ${error.message}`, error);
}
