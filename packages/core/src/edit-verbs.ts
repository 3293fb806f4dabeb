import { blamingLater } from './containment.ts';
import type { DeviceSummary, Edit, FilterInfo, FilterRule, PathNode, RemapInfo } from './control.ts';
import { fail } from './errors.ts';
import { findFilter } from './filter-request.ts';
import type { LiveEdits } from './live-edits.ts';
import { filterInfo, pathOf, remapInfosOf, summaryOf } from './report.ts';
import { TableVerbs } from './table-verbs.ts';

/** The verbs of live devices: filters, remaps, rules, transactions, and what becomes of devices. */
export abstract class EditVerbs extends TableVerbs {
  attachFilter(device: string, spec: string): Promise<FilterInfo> {
    return this.#edit(async (edits) =>
      filterInfo(await edits.run((transaction) => edits.attach(transaction, device, spec))),
    );
  }

  detachFilter(device: string, which: string, options: { readonly force?: boolean } = {}): Promise<void> {
    return this.#edit((edits) =>
      edits.run((transaction) => edits.detach(transaction, device, which, options)),
    );
  }

  swapFilter(device: string, old: string, spec: string): Promise<FilterInfo> {
    return this.#edit(async (edits) =>
      filterInfo(await edits.run((transaction) => edits.swap(transaction, device, old, spec))),
    );
  }

  transaction(edits: readonly Edit[]): Promise<void> {
    return this.#edit((live) => live.apply(edits));
  }

  startRemap(
    mapped: string,
    device: string,
    options: { readonly altitude?: string } = {},
  ): Promise<RemapInfo> {
    return this.#edit(async (edits) => {
      const step = await edits.run((transaction) =>
        edits.startRemap(transaction, mapped, device, options.altitude),
      );
      return {
        mapped: this.inventory.mapped.get(mapped).name,
        device: step.device.name,
        altitude: step.altitude,
      };
    });
  }

  finishRemap(mapped: string): Promise<void> {
    return this.#edit((edits) =>
      edits.run(async (transaction) => {
        edits.finishRemap(transaction, mapped);
      }),
    );
  }

  async remaps(): Promise<RemapInfo[]> {
    return this.devices().flatMap(remapInfosOf);
  }

  addRule(pattern: string, filter: string): Promise<FilterRule> {
    return this.control(async () => this.ruleBook.add(pattern, filter));
  }

  removeRule(id: number): Promise<void> {
    return this.control(async () => {
      this.ruleBook.remove(id);
    });
  }

  async rules(options: { readonly showKeys?: boolean } = {}): Promise<FilterRule[]> {
    return this.ruleBook.all(options.showKeys ?? false);
  }

  async listDevices(): Promise<DeviceSummary[]> {
    return this.devices().map(summaryOf);
  }

  yank(device: string): Promise<void> {
    return this.control(async () => {
      const found = await this.inventory.find(device);
      await this.lifecycle.vanish(found);
      this.emit({ kind: 'lost', device: found.name, message: 'it was yanked' });
    });
  }

  async filters(device?: string, options: { readonly showKeys?: boolean } = {}): Promise<FilterInfo[]> {
    const devices = device === undefined ? this.devices() : [await this.inventory.find(device)];
    return devices.flatMap(({ stack }) => stack.steps.map((step) => filterInfo(step, options.showKeys)));
  }

  async messageFilter(device: string, which: string, words: readonly string[]): Promise<string> {
    const step = findFilter(await this.inventory.find(device), which);
    const { filter, label } = step;
    if (filter.message === undefined) throw fail('ENOTTY', `${label} takes no messages`);
    return blamingLater(step, () => filter.message!(words));
  }

  async explain(device: string): Promise<PathNode> {
    return pathOf(await this.inventory.find(device));
  }

  #edit<T>(work: (edits: LiveEdits) => Promise<T>): Promise<T> {
    return this.control(() => work(this.liveEdits));
  }
}
