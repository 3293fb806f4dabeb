import { type Engine, fail, type Port } from '@interposer/core';
import { type NbdAddress, type NbdExport, NbdServer } from '@interposer/frontend-nbd';
import { formatNbdUri, NBD_PORT } from '@interposer/nbd-protocol';
import { isDeepStrictEqual } from 'node:util';
import { withoutUndefined } from '../without-undefined.ts';
import { resolveForUser } from '../working-directory.ts';
import type { ExportSettings, SocketSettings } from '@interposer/stack-file';
import type { ExportAddress, ExportInfo, ExportRequest } from '../service.ts';

/** A socket with the exports on it. */
interface Listener {
  readonly key: string;
  readonly server: NbdServer;
  readonly address: NbdAddress;
  /** What it was asked to do when it was opened. */
  readonly settings: SocketSettings;
  readonly exports: Map<string, { readonly info: ExportInfo; readonly port: Port }>;
}

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
      [...exports.values()].map(({ info, port }) => (port.device.lost ? { ...info, lost: true } : info)),
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
      const listener = this.#shared(key, request) ?? (await this.#listen(key, request));
      try {
        listener.server.addExport({ name, port, readOnly, ...ownSettings(request) });
      } catch (error) {
        await this.#closeIfEmpty(listener);
        throw error;
      }
      const info = {
        name,
        device,
        readOnly,
        uri: exportUri(name, listener.address, listener.settings.tls?.mode === 'require'),
        settings: { ...listener.settings, ...serveSettings(request) },
      };
      listener.exports.set(name, { info, port });
      return info;
    } catch (error) {
      port.close();
      throw error;
    }
  }

  /** The socket that is open at an address already. EINVAL if it does not do what is asked for. */
  #shared(key: string, request: ExportRequest): Listener | undefined {
    const listener = this.#listeners.get(key);
    if (listener === undefined) return undefined;
    const { settings } = listener;
    const wanted = { ...settings, ...socketSettings(request) };
    if (isDeepStrictEqual(withoutDefaults(wanted), withoutDefaults(settings))) return listener;
    throw fail(
      'EINVAL',
      `${key} is open already, with other settings for TLS, time or mode: give the same or none`,
    );
  }

  async #listen(key: string, request: ExportRequest): Promise<Listener> {
    const settings = socketSettings(request);
    const { tls, idleTimeout } = settings;
    const server = new NbdServer(withoutUndefined({ tls, idleTimeout }));
    const address = await server.listen(nbdAddress(request));
    // Where a free port was asked for, it is known by the port that it got: the next such request means another.
    const known = 'port' in address ? keyOf({ ...request, port: address.port }) : key;
    const listener = { key: known, server, address, settings, exports: new Map() };
    this.#listeners.set(known, listener);
    return listener;
  }

  async #remove(name: string, address: ExportAddress): Promise<void> {
    const asked = address.path !== undefined || address.port !== undefined;
    const holders = [...this.#listeners.values()].filter(
      ({ exports, key }) => exports.has(name) && (!asked || key === keyOf(address)),
    );
    const [listener] = holders;
    if (listener === undefined) {
      const names = this.list().map((known) => known.name);
      const known = names.length === 0 ? 'there are none' : `exports: ${names.join(', ')}`;
      throw fail('ENOENT', `there is no export "${name}"; ${known}`);
    }
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
    this.#listeners.delete(listener.key);
    await listener.server.close();
  }
}

async function closeListener({ server, exports }: Listener): Promise<void> {
  await server.close();
  for (const { port } of exports.values()) port.close();
}

function nbdAddress({
  path,
  fd,
  port = NBD_PORT,
  host = DEFAULT_HOST,
  mode,
  group,
}: ExportRequest): NbdAddress {
  if (path === undefined && (mode !== undefined || group !== undefined)) {
    throw fail('EINVAL', 'a mode and a group are for a UNIX socket that is made here, and there is none');
  }
  if (fd !== undefined) return { fd };
  if (path === undefined) return { host, port };
  return {
    path: resolveForUser(path),
    ...withoutUndefined({ mode, group }),
  };
}

/** Paths in it are those of the user. */
function socketSettings({ tls, idleTimeout, mode, group }: ExportRequest): SocketSettings {
  return withoutUndefined({ tls: tls && withUserPaths(tls), idleTimeout, mode, group });
}

type TlsSettings = NonNullable<SocketSettings['tls']>;

function withUserPaths({ certificates, psk, ...others }: TlsSettings): TlsSettings {
  const paths = {
    certificates: certificates && resolveForUser(certificates),
    psk: psk && resolveForUser(psk),
  };
  return { ...others, ...withoutUndefined(paths) };
}

/** To do no TLS is what a socket does that nobody said anything of. */
function withoutDefaults({ tls, ...others }: SocketSettings): SocketSettings {
  return tls === undefined || tls.mode === 'off' ? others : { ...others, tls };
}

function ownSettings(request: ExportRequest): Partial<NbdExport> {
  const { description } = request;
  return { ...serveSettings(request), ...withoutUndefined({ description }) };
}

function serveSettings({ allow, blockSizes, maxConnections }: ExportRequest): ExportSettings {
  return withoutUndefined({ allow, blockSizes, maxConnections });
}

function keyOf({ path, fd, port = NBD_PORT, host = DEFAULT_HOST }: ExportAddress): string {
  if (fd !== undefined) return `descriptor ${String(fd)}`;
  return path === undefined ? `${host}:${String(port)}` : resolveForUser(path);
}

/** The address of an export as NBD clients take it; with `tls` they must use it. */
export function exportUri(exportName: string, address: NbdAddress, tls = false): string {
  // What a socket that was passed is called, only whoever made it knows.
  if ('fd' in address) return `descriptor ${String(address.fd)}`;
  const where =
    'path' in address
      ? ({ kind: 'unix', path: address.path } as const)
      : ({ kind: 'tcp', host: address.host ?? DEFAULT_HOST, port: address.port } as const);
  return formatNbdUri({
    tls,
    address: where,
    exportName,
    tlsParameters: {},
    unknownParameters: {},
    unknownKeys: [],
  });
}
