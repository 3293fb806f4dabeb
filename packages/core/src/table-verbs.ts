import type { CreateOptions, DeviceInfo, DeviceRef, ProgressRow, TableRow } from './control.ts';
import { EngineState } from './engine-state.ts';
import { fail } from './errors.ts';
import type { MappedDevice, SuspendOptions } from './mapped-device.ts';
import { sendMessage } from './message.ts';
import { remapsTo } from './remap.ts';
import { infoOf, progressRows, refOf, statusRows, tableRows } from './report.ts';
import { parseTable } from './table-text.ts';

/** The verbs of mapped devices and their tables. */
export abstract class TableVerbs extends EngineState {
  create(name: string, options: CreateOptions = {}): Promise<DeviceInfo> {
    return this.control(async () => {
      const lines = options.table === undefined ? undefined : parseTable(options.table, options.source);
      const device = this.inventory.mapped.add(name, options, this.inventory.observer);
      if (lines === undefined) return infoOf(device);
      try {
        await this.lifecycle.load(device, lines, options.readOnly ?? false);
        await this.lifecycle.resume(device, {});
      } catch (error) {
        await this.lifecycle.vanish(device);
        throw error;
      }
      return infoOf(device);
    });
  }

  load(
    name: string,
    table: string,
    options: { readonly readOnly?: boolean; readonly source?: string } = {},
  ): Promise<void> {
    return this.control(async () => {
      const lines = parseTable(table, options.source);
      await this.lifecycle.load(this.inventory.mapped.get(name), lines, options.readOnly ?? false);
    });
  }

  clear(name: string): Promise<void> {
    return this.control(() => this.inventory.mapped.get(name).clear());
  }

  suspend(name: string, options: SuspendOptions = {}): Promise<void> {
    return this.control(() =>
      this.inventory.mapped.get(name).suspend(options, this.lifecycle.quiesceOptions),
    );
  }

  resume(name: string, options: SuspendOptions = {}): Promise<void> {
    return this.control(() => this.lifecycle.resume(this.inventory.mapped.get(name), options));
  }

  remove(
    name: string,
    options: { readonly force?: boolean; readonly deferred?: boolean } = {},
  ): Promise<void> {
    return this.control(async () => {
      const device = this.inventory.mapped.get(name);
      if (options.force === true) await this.#forceOut(device);
      if (device.openCount === 0) return this.lifecycle.destroy(device);
      if (options.deferred !== true) {
        throw fail('EBUSY', `${name} is open: ${device.users.map((port) => port.holder).join(', ')}`);
      }
      device.deferredRemove = true;
      return undefined;
    });
  }

  rename(name: string, newName: string): Promise<void> {
    return this.control(async () => {
      this.inventory.mapped.rename(this.inventory.mapped.get(name), newName);
    });
  }

  setUuid(name: string, uuid: string): Promise<void> {
    return this.control(async () => {
      this.inventory.mapped.setUuid(this.inventory.mapped.get(name), uuid);
    });
  }

  async message(name: string, sector: number, words: readonly string[]): Promise<string> {
    return sendMessage(this.inventory.mapped.get(name), sector, words);
  }

  async wait(name: string, eventNr: number, signal?: AbortSignal): Promise<number> {
    const device = this.inventory.mapped.get(name);
    await device.waitForEvent(eventNr, signal);
    return device.eventNr;
  }

  async table(
    name: string,
    options: { readonly inactive?: boolean; readonly showKeys?: boolean } = {},
  ): Promise<TableRow[]> {
    const device = this.inventory.mapped.get(name);
    return tableRows(options.inactive === true ? device.inactive : device.live, options.showKeys ?? false);
  }

  async status(name: string, options: { readonly inactive?: boolean } = {}): Promise<TableRow[]> {
    const device = this.inventory.mapped.get(name);
    return statusRows(options.inactive === true ? device.inactive : device.live);
  }

  async progress(name: string): Promise<ProgressRow[]> {
    return progressRows(this.inventory.mapped.get(name).live);
  }

  async info(name: string): Promise<DeviceInfo> {
    return infoOf(this.inventory.mapped.get(name));
  }

  async deps(name: string, options: { readonly inactive?: boolean } = {}): Promise<DeviceRef[]> {
    const device = this.inventory.mapped.get(name);
    const table = options.inactive === true ? device.inactive : device.live;
    // The kernel lists the device that was opened last first.
    return [...(table?.ports ?? [])].reverse().map(({ device }) => refOf(device));
  }

  async list(): Promise<DeviceRef[]> {
    return this.inventory.mapped.all().map(refOf);
  }

  /** Nobody is asked: what it stands in for serves itself again, and its own bios fail. */
  async #forceOut(device: MappedDevice): Promise<void> {
    if (remapsTo(device).length > 0) {
      await this.liveEdits.run(async (transaction) => {
        this.liveEdits.finishRemap(transaction, device.name);
      });
    }
    await this.lifecycle.replaceByError(device);
  }
}
