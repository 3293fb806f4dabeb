import { type Engine, fail, type Port } from '@interposer/core';
import { NbdServer } from '@interposer/frontend-nbd';
import type { ExportControl, ExportInfo, ExportRequest, StackControl } from '../../src/index.ts';

interface Served {
  readonly info: ExportInfo;
  readonly server: NbdServer;
  readonly port: Port;
}

/** An engine whose devices can be served over NBD, as a daemon does it, with a server for each socket. */
export function serving(engine: Engine): StackControl & ExportControl & { close(): Promise<void> } {
  const servers = new Map<string, NbdServer>();
  const served = new Map<string, Served>();
  const exports: ExportControl = {
    addExport: async (device, request) => {
      const { as = device, readOnly = false } = request;
      const socket = socketOf(request);
      const port = await engine.open(device, { mode: readOnly ? 'read' : 'write', holder: 'export' });
      const server = servers.get(socket) ?? new NbdServer();
      if (!servers.has(socket)) {
        const { path, port: tcp = 0, host = '127.0.0.1' } = request;
        await server.listen(path === undefined ? { port: tcp, host } : { path });
        servers.set(socket, server);
      }
      server.addExport({ name: as, port, readOnly });
      const info = { name: as, device, readOnly, uri: uriOf(as, request) };
      served.set(`${as} ${socket}`, { info, server, port });
      return info;
    },
    removeExport: async (name, address = {}) => {
      const key = `${name} ${socketOf(address)}`;
      const one = served.get(key);
      if (one === undefined) throw fail('ENOENT', `there is no export ${name}`);
      served.delete(key);
      await one.server.removeExport(name);
      one.port.close();
    },
    exports: async () => [...served.values()].map(({ info }) => info),
  };
  const close = async (): Promise<void> => {
    for (const server of servers.values()) await server.close();
  };
  return Object.assign(Object.create(engineVerbs(engine)) as StackControl, exports, { close });
}

/** The engine's methods, bound to it. */
function engineVerbs(engine: Engine): object {
  return new Proxy(engine, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function socketOf({ path, port, host = '127.0.0.1' }: Omit<ExportRequest, 'as' | 'readOnly'>): string {
  return path ?? `${host}:${String(port)}`;
}

function uriOf(name: string, { path, port, host = '127.0.0.1' }: ExportRequest): string {
  if (path !== undefined) return `nbd+unix:///${encodeURIComponent(name)}?socket=${encodeURIComponent(path)}`;
  return `nbd://${host}:${String(port)}/${encodeURIComponent(name)}`;
}
