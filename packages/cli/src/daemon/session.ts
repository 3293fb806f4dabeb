import { fail, type Port } from '@interposer/core';
import type { PluginInfo } from '../plugins/plugin.ts';
import type { HeldDevice } from '../service.ts';
import type { Host } from './host.ts';

/** How many devices one client may keep open. */
const MAX_HELD = 64;

/** What a daemon knows of one client: where it stands, and what it keeps open. */
export class Session {
  readonly host: Host;
  /** The client's working directory: its relative paths start there. */
  directory: string;
  /** Aborts when the client goes. */
  readonly gone: AbortController = new AbortController();
  /** What a client's `shutdown` does. */
  readonly onShutdown: () => void;
  readonly #held = new Map<string, Port[]>();

  constructor(host: Host, directory: string, onShutdown: () => void) {
    this.host = host;
    this.directory = directory;
    this.onShutdown = onShutdown;
  }

  async hold(name: string, mode: 'read' | 'write'): Promise<HeldDevice> {
    if ([...this.#held.values()].flat().length >= MAX_HELD) {
      throw fail('ENOMEM', `a client may keep at most ${String(MAX_HELD)} devices open`);
    }
    const port = await this.host.engine.open(name, { mode, claim: 'noexcl', holder: 'client' });
    if (this.gone.signal.aborted) port.close();
    const { device } = port;
    const { sectors, logicalBlock } = device.limits;
    this.#held.set(device.number, [...(this.#held.get(device.number) ?? []), port]);
    return { device: device.number, sectors, logicalBlock };
  }

  release(number: string): void {
    const ports = this.#held.get(number) ?? [];
    const port = ports.pop();
    if (port === undefined) throw fail('ENOENT', `this client does not hold ${number}`);
    if (ports.length === 0) this.#held.delete(number);
    port.close();
  }

  loadPlugin(spec: string): Promise<PluginInfo> {
    return this.host.plugins.load(spec, this.directory);
  }

  /** What takes long: it goes on without the client, and a client that goes does not wait for it. ESHUTDOWN. */
  unlessGone<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      const leave = (): void => {
        reject(fail('ESHUTDOWN', 'nobody waits any more'));
      };
      if (this.gone.signal.aborted) leave();
      else this.gone.signal.addEventListener('abort', leave);
    });
  }

  /** The client went: what it waits for ends, what it held is closed. */
  close(): void {
    this.gone.abort();
    for (const port of [...this.#held.values()].flat()) port.close();
    this.#held.clear();
  }
}
