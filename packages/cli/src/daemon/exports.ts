import { type Engine, fail, type Port } from '@interposer/core';
import { type NbdAddress, NbdServer } from '@interposer/frontend-nbd';
import { resolveForUser } from '../working-directory.ts';
import type { ExportAddress, ExportInfo, ExportRequest } from '../service.ts';

/** A socket with the exports on it. */
interface Listener {
  readonly key: string;
  readonly server: NbdServer;
  readonly address: NbdAddress;
  readonly exports: Map<string, { readonly info: ExportInfo; readonly port: Port }>;
}

/** The port number that is registered for NBD. */
const NBD_PORT = 10_809;
const DEFAULT_HOST = '127.0.0.1';

/** The devices of an engine that are served over NBD, by socket. */
export class ExportTable {
  readonly #engine: Engine;
  readonly #listeners = new Map<string, Listener>();
  /** Changes run one after another, so that two of them cannot open one socket twice. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  list(): ExportInfo[] {
    return [...this.#listeners.values()].flatMap(({ exports }) =>
      [...exports.values()].map(({ info }) => info),
    );
  }

  add(device: string, request: ExportRequest): Promise<ExportInfo> {
    return this.#inOrder(() => this.#add(device, request));
  }

  remove(name: string, address: ExportAddress = {}): Promise<void> {
    return this.#inOrder(() => this.#remove(name, address));
  }

  /** Ends every export; what clients sent before is answered. */
  close(): Promise<void> {
    return this.#inOrder(async () => {
      const listeners = [...this.#listeners.values()];
      this.#listeners.clear();
      await Promise.all(listeners.map(closeListener));
    });
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #add(device: string, request: ExportRequest): Promise<ExportInfo> {
    const name = request.as ?? device;
    const key = keyOf(request);
    if (this.#listeners.get(key)?.exports.has(name) === true) {
      throw fail('EEXIST', `there is an export "${name}" on ${key} already`);
    }
    const readOnly = request.readOnly ?? false;
    const port = await this.#engine.open(device, {
      mode: readOnly ? 'read' : 'write',
      claim: 'exclusive',
      holder: 'export',
    });
    try {
      const listener = this.#listeners.get(key) ?? (await this.#listen(key, request));
      const { description } = request;
      try {
        listener.server.addExport({
          name,
          port,
          readOnly,
          ...(description === undefined ? {} : { description }),
        });
      } catch (error) {
        await this.#closeIfEmpty(listener);
        throw error;
      }
      const info = { name, device, readOnly, uri: exportUri(name, listener.address) };
      listener.exports.set(name, { info, port });
      return info;
    } catch (error) {
      port.close();
      throw error;
    }
  }

  async #listen(
    key: string,
    { path, port = NBD_PORT, host = DEFAULT_HOST }: ExportAddress,
  ): Promise<Listener> {
    const server = new NbdServer();
    const address = await server.listen(path === undefined ? { host, port } : { path: resolveForUser(path) });
    const listener = { key, server, address, exports: new Map() };
    // A free port was asked for: the next such request means another.
    this.#listeners.set(port === 0 ? `${key}#${String(this.#listeners.size)}` : key, listener);
    return listener;
  }

  async #remove(name: string, address: ExportAddress): Promise<void> {
    const asked = address.path !== undefined || address.port !== undefined;
    const holders = [...this.#listeners.values()].filter(
      ({ exports, key }) => exports.has(name) && (!asked || key === keyOf(address)),
    );
    const [listener] = holders;
    if (listener === undefined) throw fail('ENOENT', `there is no export "${name}"`);
    if (holders.length > 1) {
      const places = holders.map(({ key }) => key).join(', ');
      throw fail('EINVAL', `there are several exports "${name}": name the socket, one of ${places}`);
    }
    const entry = listener.exports.get(name)!;
    listener.exports.delete(name);
    await listener.server.removeExport(name);
    entry.port.close();
    await this.#closeIfEmpty(listener);
  }

  async #closeIfEmpty(listener: Listener): Promise<void> {
    if (listener.exports.size > 0) return;
    for (const [key, known] of this.#listeners) if (known === listener) this.#listeners.delete(key);
    await listener.server.close();
  }
}

async function closeListener({ server, exports }: Listener): Promise<void> {
  await server.close();
  for (const { port } of exports.values()) port.close();
}

function keyOf({ path, port = NBD_PORT, host = DEFAULT_HOST }: ExportAddress): string {
  return path === undefined ? `${host}:${String(port)}` : resolveForUser(path);
}

/** The address of an export as NBD clients take it. */
export function exportUri(name: string, address: NbdAddress): string {
  const exportName = name === '' ? '' : `/${encodeURIComponent(name)}`;
  if ('path' in address)
    return `nbd+unix://${exportName === '' ? '/' : exportName}?socket=${encodePath(address.path)}`;
  const given = address.host ?? DEFAULT_HOST;
  const host = given.includes(':') ? `[${given}]` : given;
  const port = address.port === NBD_PORT ? '' : `:${String(address.port)}`;
  return `nbd://${host}${port}${exportName}`;
}

/** Slashes may stay in a query, and are easier to read so. */
function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
