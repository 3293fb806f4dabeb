import { compareAltitudes } from './altitude.ts';
import type { BlockDevice } from './block-device.ts';
import { blaming, blamingLater } from './containment.ts';
import { checkPlan, type Plan } from './device-graph.ts';
import { asError, fail } from './errors.ts';
import { acquireFilter, type AttachContext, releaseFilter } from './filter-acquire.ts';
import type { FilterRequest } from './filter-request.ts';
import type { FilterStack, FilterStep } from './filter-stack.ts';
import type { Limits } from './limits.ts';
import type { LiveTable } from './live-table.ts';
import type { MappedDevice } from './mapped-device.ts';
import type { Port } from './port.ts';
import { checkCovers, isRemap, isRemapTo, remapsTo, type Sized } from './remap.ts';
import { atRest, quiesce, type QuiesceOptions, thaw } from './quiesce.ts';
import { within } from './within.ts';

/** What a transaction works with. */
export interface TransactionContext extends AttachContext {
  /** Milliseconds to wait for the bios inside all devices together. */
  readonly drainTimeout: number;
}

/** How to detach. */
export interface DetachOptions {
  /** A filter that keeps its bios or vetoes goes too: what it holds fails. */
  readonly force?: boolean;
}

/**
 * Edits of live devices that take effect together or not at all. Each edit acquires at once everything that can fail;
 * `commit` closes the gates, waits for the bios inside to end, puts all in place in one turn, and opens the gates. Later
 * edits see the stacks that earlier ones left. Use it once.
 */
export class Transaction implements Plan {
  readonly #context: TransactionContext;
  /** What the stack of each edited device will be. */
  readonly #stacks = new Map<BlockDevice, FilterStack>();
  readonly #arriving = new Set<FilterStep>();
  readonly #leaving = new Set<FilterStep>();
  readonly #forced = new Set<FilterStep>();
  /** The next table of each mapped device. */
  readonly #tables = new Map<MappedDevice, LiveTable>();
  /** Tables that went out. */
  readonly #outgoing: LiveTable[] = [];
  readonly #ports: Port[] = [];

  constructor(context: TransactionContext) {
    this.#context = context;
  }

  /** Holds a device open until the end of the transaction. */
  keep(port: Port): void {
    this.#ports.push(port);
  }

  /** The stack of a device as the edits so far leave it. */
  stackOf(device: BlockDevice): FilterStack {
    return this.#stacks.get(device) ?? device.stack;
  }

  /** The ports of the tables of a device, as the edits so far leave them. */
  driverPortsOf(device: BlockDevice): readonly Port[] {
    for (const [mapped, table] of this.#tables) {
      if (mapped === device) return [...table.ports, ...(mapped.inactive?.ports ?? [])];
    }
    return device.driverPorts;
  }

  /** The remaps that lead to a device, as the edits so far leave them. */
  remapsTo(device: BlockDevice): FilterStep[] {
    const arriving = [...this.#arriving].filter((step) => isRemapTo(step, device));
    return [...remapsTo(device), ...arriving].filter((step) => !this.#leaving.has(step));
  }

  /** EBUSY where the altitude is taken, and whatever the filter says. */
  async attach(device: BlockDevice, request: FilterRequest): Promise<FilterStep> {
    this.stackOf(device).checkFree(request.altitude, device);
    const closing = new Set([...this.#leaving].flatMap(({ others }) => others));
    const step = await acquireFilter(device, request, this.#context, closing);
    this.#arriving.add(step);
    this.#stacks.set(device, this.stackOf(device).with(step));
    return step;
  }

  /** EBUSY if the filter objects. */
  detach(step: FilterStep, { force = false }: DetachOptions = {}): void {
    const { device } = step;
    if (!force) askToDetach(step);
    this.#leaving.add(step);
    if (force) this.#forced.add(step);
    this.#stacks.set(device, this.stackOf(device).without(step));
  }

  /** Another table for a mapped device, which is given up if it cannot be. */
  async reload(device: MappedDevice, table: LiveTable): Promise<void> {
    const earlier = this.#tables.get(device);
    this.#tables.set(device, table);
    await earlier?.close();
    if (device.live === null) throw fail('EINVAL', `${device.name} has no table yet: load one and resume`);
    device.checkTable(table);
  }

  /**
   * ELOOP where all edits together lead back, or too deep; ETIMEDOUT where bios stay inside, with what holds them. Then, as
   * after every error, nothing is changed, but that a filter whose detach was forced stays fenced.
   */
  async commit(): Promise<void> {
    const devices = [...new Set([...this.#stacks.keys(), ...this.#tables.keys()])];
    try {
      for (const device of devices) {
        checkPlan(device, this);
        this.#checkLimits(device);
        this.#checkRemaps(device);
      }
      for (const step of this.#forced) step.device.fence(step, new Error('detached by force'));
      await quiesce(devices, this.#quiesceOptions);
      await this.#change(devices);
    } catch (error) {
      await this.rollback();
      throw error;
    }
    thaw(devices);
    for (const device of this.#tables.keys()) {
      // A new table is at work at once.
      if (device.suspended) thaw([device]);
      device.suspended = false;
    }
    await this.#release([...this.#leaving], this.#outgoing);
  }

  /** Gives up what was acquired. What one says to that is logged: the caller has an error to tell already. */
  async rollback(): Promise<void> {
    await this.#release([...this.#arriving], [...this.#tables.values()]).catch((error: unknown) => {
      this.#context.log(asError(error).message);
    });
  }

  get #quiesceOptions(): QuiesceOptions {
    const { clock, drainTimeout } = this.#context;
    // What waits for a table may wait on while tables change, but not inside a stack that changes.
    const mayHold = new Set([...this.#tables.keys()].filter((device) => !this.#stacks.has(device)));
    return { clock, timeout: drainTimeout, mayHold };
  }

  /** Gates closed, nothing inside. After an error they are open again. */
  async #change(devices: readonly BlockDevice[]): Promise<void> {
    const ready: MappedDevice[] = [];
    try {
      await this.#letLeave();
      for (const [device, table] of this.#tables) {
        await device.prepareSwap(table, this.#quiesceOptions);
        ready.push(device);
      }
      await atRest(devices, this.#quiesceOptions, () => {
        this.#putInPlace();
      });
    } catch (error) {
      for (const device of ready) await device.undoSwap();
      thaw(devices);
      throw error;
    }
  }

  /** What goes in order writes what it holds, highest first, for it may do so through lower ones that go too. */
  async #letLeave(): Promise<void> {
    const { clock, drainTimeout } = this.#context;
    const leaving = [...this.#leaving].filter((step) => !this.#forced.has(step) && !step.fenced);
    leaving.sort((a, b) => compareAltitudes(b.altitude, a.altitude));
    for (const step of leaving) {
      const parting = blamingLater(step, () => step.filter.predetach?.());
      await within(parting, clock, drainTimeout, `${step.label} on ${step.device.name} did not let go`);
    }
  }

  /** Nothing here can fail. */
  #putInPlace(): void {
    for (const [device, table] of this.#tables) {
      const old = device.putLive(table);
      if (old !== null) this.#outgoing.push(old);
    }
    for (const [device, stack] of this.#stacks) device.replaceStack(stack);
    for (const { device, label } of this.#leaving) if (device.fault?.culprit === label) device.recover();
  }

  /** Asked beforehand: a filter that cannot say what it promises, or that hides a part of its device, is not attached. */
  #checkLimits(device: BlockDevice): void {
    let below = (this.#tables as Map<BlockDevice, LiveTable>).get(device)?.limits ?? device.driver.limits;
    for (const step of [...this.stackOf(device).steps].reverse()) {
      if (this.#arriving.has(step)) checkKnowsIntegrity(step, below);
      const limits = this.#limitsOf(step, below);
      if (limits.sectors < below.sectors) {
        throw fail(
          'EINVAL',
          `${step.label} would leave ${String(limits.sectors)} of the ${String(below.sectors)} sectors of ${device.name}: what covers a device must be at least as large`,
        );
      }
      below = step.promise(limits);
    }
  }

  /** What stands in for another device must be at least as large when all edits are done, on either side of a device. */
  #checkRemaps(device: BlockDevice): void {
    for (const step of this.stackOf(device).steps.filter(isRemap)) {
      for (const { device: donor } of step.others) checkCovers(this.#sized(donor), this.#sized(device));
    }
    for (const step of this.remapsTo(device)) checkCovers(this.#sized(device), this.#sized(step.device));
  }

  #sized(device: BlockDevice): Sized {
    const table = (this.#tables as Map<BlockDevice, LiveTable>).get(device);
    return { name: device.name, sectors: (table ?? device).limits.sectors };
  }

  #limitsOf(step: FilterStep, below: Limits): Limits {
    if (step.fenced) return below;
    try {
      return step.filter.limits?.(below) ?? below;
    } catch (error) {
      if (this.#arriving.has(step)) throw error;
      // One that is there already is fenced when the edit is done; it is no reason not to do it.
      return below;
    }
  }

  /** Everything is given up, whatever one of them says to it; the first such error is thrown. */
  async #release(steps: readonly FilterStep[], tables: readonly LiveTable[]): Promise<void> {
    const errors: unknown[] = [];
    const note = (error: unknown): void => void errors.push(error);
    for (const step of steps) await releaseFilter(step).catch(note);
    for (const table of tables) await table.close().catch(note);
    for (const port of this.#ports) port.close();
    if (errors.length > 0) throw errors[0];
  }
}

/** EBUSY if a filter objects to its detach. */
export function askToDetach(step: FilterStep): void {
  const { device, type, altitude } = step;
  const veto = step.fenced ? undefined : blaming(step, () => step.filter.queryDetach?.());
  if (veto !== undefined)
    throw fail('EBUSY', `${type.name}@${altitude} on ${device.name} will not go: ${veto}`);
}

/** Nobody loses integrity data to a filter that does not know of it. */
function checkKnowsIntegrity({ type, label, device }: FilterStep, { integrity }: Limits): void {
  if (integrity === 0 || type.knowsIntegrity === true) return;
  throw fail(
    'ENOTSUP',
    `${label} does not know of the ${String(integrity)} bytes of integrity data that ${device.name} keeps beside each block`,
  );
}
