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

  /** The device of that name, opened if it is not. ENOENT where no driver takes such a name; else what the driver says. */
  async open(name: string, readOnly: boolean): Promise<BlockDevice> {
    const named = this.#named(name);
    if (named !== undefined) return named;
    const request = this.#requestFor(name);
    if (request === undefined) {
      throw fail('ENOENT', `"${name}" is no device, and no driver that is registered takes it`);
    }
    const identity =
      (await request.type.identify(request.spec, request.scheme)) ?? `${name}#${String(this.#anonymous++)}`;
    const known = this.#byIdentity.get(identity);
    if (known === undefined) return this.#openNew(request, identity, readOnly);
    if (known.closing === null) return known.device;
    // What goes wrong there is told to whoever closed it.
    await known.closing.catch(() => undefined);
    return this.open(name, readOnly);
  }

  /** Closes a device nobody has open; what a driver says at its close is an error of the caller that let it go last. */
  async closeIfUnused(device: BlockDevice): Promise<void> {
    const leaf = this.#open.get(device);
    if (leaf === undefined || device.ports.size > 0 || leaf.closing !== null) return;
    leaf.closing = device.driver.close().finally(() => {
      this.#open.delete(device);
      this.#byIdentity.delete(leaf.identity);
    });
    await leaf.closing;
  }

  /** The open device that shows this name: also an anonymous one. One that closes is not open. */
  #named(name: string): BlockDevice | undefined {
    return this.all().find((device) => device.name === name && this.#open.get(device)?.closing === null);
  }

  #openNew(request: Request, identity: string, readOnly: boolean): Promise<BlockDevice> {
    const device = this.#make(request, identity, readOnly);
    const leaf: Leaf = { identity, device, closing: null };
    this.#byIdentity.set(identity, leaf);
    device.then(
      (opened) => this.#open.set(opened, leaf),
      () => this.#byIdentity.delete(identity),
    );
    return device;
  }

  async #make({ type, spec, scheme }: Request, identity: string, readOnly: boolean): Promise<BlockDevice> {
    const { clock, log, observer } = this.#context;
    const driver = await type.open({ spec, scheme, readOnly, clock, log });
    return new BlockDevice(identity, [type.major, this.#freeMinor(type.major)], driver, type.name, observer);
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
