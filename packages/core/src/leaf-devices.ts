import { BlockDevice, type DeviceObserver } from './block-device.ts';
import type { Clock } from './clock.ts';
import type { DriverType } from './driver.ts';
import { fail } from './errors.ts';
import { lowestFree } from './lowest-free.ts';
import type { Registry } from './registry.ts';

/** What opening a leaf device takes. */
export interface LeafContext {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly observer: DeviceObserver;
  /** A device that nobody has seen yet gets its filters. */
  readonly arrived: (device: BlockDevice) => Promise<void>;
  /** Nobody uses a device any more: filters that came by a rule go. */
  readonly departing: (device: BlockDevice) => Promise<void>;
  /** What a device stands on is gone. */
  readonly lost: (device: BlockDevice, reason: string) => void;
}

/** A driver and what to ask it for. */
interface Request {
  readonly type: DriverType;
  readonly spec: string;
  readonly scheme: string;
}

/** An entry: a device that opens, is open, or closes. */
interface Leaf {
  readonly identity: string;
  readonly device: Promise<BlockDevice>;
  closing: Promise<void> | null;
}

const SCHEME = /^([a-z][a-z0-9+-]*):(.*)$/s;

/**
 * The devices at the bottom: files, memory, remote exports. Opened at their first mention, shared by all who mention the
 * same one, closed after the last.
 */
export class LeafDevices {
  readonly #context: LeafContext;
  readonly #byIdentity = new Map<string, Leaf>();
  readonly #open = new Map<BlockDevice, Leaf>();
  /** Devices that are getting their filters by rules, by identity, and for which other one each of them waits. */
  readonly #arriving = new Map<BlockDevice, string>();
  readonly #waits = new Map<string, string>();
  #anonymous = 0;

  constructor(context: LeafContext) {
    this.#context = context;
  }

  /** Those that are open; one that closes is not. */
  all(): BlockDevice[] {
    return [...this.#open.keys()].filter((device) => this.isOpen(device));
  }

  isOpen(device: BlockDevice): boolean {
    return this.#open.get(device)?.closing === null;
  }

  /** The open device that a name means, if there is one. Opens nothing. */
  async find(name: string): Promise<BlockDevice | undefined> {
    const request = this.#requestFor(name);
    const identity = await request?.type.identify(request.spec, request.scheme);
    const leaf = identity === undefined ? undefined : this.#byIdentity.get(identity);
    return leaf?.closing === null ? leaf.device : undefined;
  }

  /**
   * The device of that name, opened if it is not. ENOENT where no driver takes such a name; else what the driver, or a
   * filter that it should get by a rule, says. ELOOP for a device that waits for the one it is to be opened for.
   */
  async open(name: string, readOnly: boolean, byRules = true, owner?: BlockDevice): Promise<BlockDevice> {
    const named = this.#named(name);
    if (named !== undefined) return named;
    const request = this.#requestFor(name);
    if (request === undefined) {
      throw fail('ENOENT', `"${name}" is no device, and no driver that is registered takes it`);
    }
    const identity =
      (await request.type.identify(request.spec, request.scheme)) ?? `${name}#${String(this.#anonymous++)}`;
    const known = this.#byIdentity.get(identity);
    if (known === undefined) return this.#openNew(request, identity, readOnly, byRules);
    if (known.closing === null) return this.#await(known, owner);
    // What goes wrong there is told to whoever closed it.
    await known.closing.catch(() => undefined);
    return this.open(name, readOnly, byRules, owner);
  }

  /** A device that comes may be waiting for filters that open further devices: not for one another. */
  async #await(leaf: Leaf, owner: BlockDevice | undefined): Promise<BlockDevice> {
    const waiter = owner === undefined ? undefined : this.#arriving.get(owner);
    if (waiter === undefined) return leaf.device;
    for (let at: string | undefined = leaf.identity; at !== undefined; at = this.#waits.get(at)) {
      if (at === waiter) throw fail('ELOOP', `${waiter} would be stacked on itself`);
    }
    this.#waits.set(waiter, leaf.identity);
    try {
      return await leaf.device;
    } finally {
      this.#waits.delete(waiter);
    }
  }

  /** Closes a device nobody has open; what a driver says at its close is an error of the caller that let it go last. */
  async closeIfUnused(device: BlockDevice): Promise<void> {
    const leaf = this.#open.get(device);
    if (leaf === undefined || device.inUse || leaf.closing !== null) return;
    leaf.closing = this.#close(device, leaf);
    await leaf.closing;
  }

  /** A lost device is not found any more; another of its name may come. */
  forget(device: BlockDevice): void {
    const leaf = this.#open.get(device);
    this.#open.delete(device);
    if (leaf !== undefined) this.#byIdentity.delete(leaf.identity);
  }

  async #close(device: BlockDevice, leaf: Leaf): Promise<void> {
    try {
      await this.#context.departing(device);
    } catch (error) {
      // A filter that will not go keeps its device.
      leaf.closing = null;
      throw error;
    }
    try {
      await device.driver.close();
    } finally {
      this.forget(device);
    }
  }

  /** The open device that shows this name: also an anonymous one. One that closes is not open. */
  #named(name: string): BlockDevice | undefined {
    return this.all().find((device) => device.name === name && this.#open.get(device)?.closing === null);
  }

  #openNew(request: Request, identity: string, readOnly: boolean, byRules: boolean): Promise<BlockDevice> {
    const device = this.#make(request, identity, readOnly, byRules);
    const leaf: Leaf = { identity, device, closing: null };
    this.#byIdentity.set(identity, leaf);
    device.then(
      (opened) => this.#open.set(opened, leaf),
      () => this.#byIdentity.delete(identity),
    );
    return device;
  }

  async #make(
    { type, spec, scheme }: Request,
    identity: string,
    readOnly: boolean,
    byRules: boolean,
  ): Promise<BlockDevice> {
    const { clock, log, observer } = this.#context;
    const loss: { reason?: string; tell?: () => void } = {};
    const lost = (reason: string): void => {
      if (loss.reason !== undefined) return;
      loss.reason = reason;
      loss.tell?.();
    };
    const driver = await type.open({ spec, scheme, readOnly, clock, log, lost });
    const number = [type.major, this.#freeMinor(type.major)] as const;
    const device = new BlockDevice(identity, number, driver, type.name, observer);
    this.#arriving.set(device, identity);
    try {
      if (byRules) await this.#context.arrived(device);
      if (loss.reason !== undefined) throw fail('ENODEV', `${identity} is gone: ${loss.reason}`);
    } catch (error) {
      if (loss.reason !== undefined) device.lose();
      await this.#context.departing(device);
      await driver.close();
      throw error;
    } finally {
      this.#arriving.delete(device);
    }
    loss.tell = () => {
      this.#context.lost(device, loss.reason!);
    };
    return device;
  }

  #freeMinor(major: number): number {
    return lowestFree(
      new Set(
        [...this.#open.keys()].filter((device) => device.major === major).map((device) => device.minor),
      ),
    );
  }

  #requestFor(name: string): Request | undefined {
    const { registry } = this.#context;
    const [, scheme = '', spec = ''] = SCHEME.exec(name) ?? [];
    const type = registry.driver(scheme);
    if (type !== undefined) return { type, spec, scheme };
    const paths = registry.pathDriver();
    return paths === undefined ? undefined : { type: paths, spec: name, scheme: '' };
  }
}
