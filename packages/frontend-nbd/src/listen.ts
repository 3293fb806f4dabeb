import { fail, fromSystemError } from '@interposer/core';
import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { NbdAddress, NbdTcpAddress, NbdUnixAddress } from './options.ts';
import { openUp, privately, socketAccessOf } from './socket-file.ts';

const DEFAULT_HOST = '127.0.0.1';

/** A server that listens, and where. */
export interface Listener {
  readonly server: Server;
  readonly address: NbdAddress;
}

/** Takes an accepted socket, which is paused; `unix` is whether it came through a UNIX socket. */
export type Accept = (socket: Socket, unix: boolean) => void;

/** Starts to listen. EBUSY: another server is there; EINVAL: no such mode or group; else the system's error. */
export async function startListening(address: NbdAddress, accept: Accept): Promise<Listener> {
  if ('fd' in address) return listenInherited(address.fd, accept);
  return 'path' in address ? listenUnix(address, accept) : listenTcp(address, accept);
}

async function listenTcp({ host = DEFAULT_HOST, port }: NbdTcpAddress, accept: Accept): Promise<Listener> {
  const server = makeServer((socket) => accept(socket, false));
  try {
    await listening(server, { host, port });
  } catch (error) {
    if (isAddressInUse(error)) throw fail('EBUSY', `${host} port ${String(port)} is in use`, error);
    throw fromSystemError(error, `cannot listen on ${host} port ${String(port)}`);
  }
  return { server, address: boundTo(server)! };
}

async function listenInherited(fd: number, accept: Accept): Promise<Listener> {
  const server = makeServer((socket) => accept(socket, boundTo(server) === null));
  try {
    await listening(server, { fd });
  } catch (error) {
    throw fromSystemError(error, `descriptor ${String(fd)} is no socket to listen on`);
  }
  return { server, address: boundTo(server) ?? { fd } };
}

/** Null for a UNIX socket. */
function boundTo(server: Server): NbdTcpAddress | null {
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? null : { host: bound.address, port: bound.port };
}

async function listenUnix(address: NbdUnixAddress, accept: Accept): Promise<Listener> {
  const { path } = address;
  const access = socketAccessOf(address);
  for (let attempt = 0; ; attempt++) {
    const server = makeServer((socket) => accept(socket, true));
    try {
      // The file comes into being inside the call.
      await privately(() => listening(server, { path }));
    } catch (error) {
      if (!isAddressInUse(error)) throw cannotListen(path, error);
      if (attempt > 0 || !(await isStale(path))) {
        throw fail('EBUSY', `${path} is in use: a server listens there, or it is no socket`, error);
      }
      unlinkSync(path);
      continue;
    }
    try {
      openUp(path, access);
    } catch (error) {
      server.close();
      throw error;
    }
    return { server, address };
  }
}

/** Node says EACCES where there is no folder for the socket. */
function cannotListen(path: string, error: unknown): Error {
  const folder = dirname(path);
  if (!existsSync(folder))
    return fail('ENOENT', `cannot listen on ${path}: there is no folder ${folder}`, error);
  return fromSystemError(error, `cannot listen on ${path}`);
}

function listening(server: Server, options: ListenOptions | { readonly fd: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function makeServer(accept: (socket: Socket) => void): Server {
  return createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, accept);
}

function isAddressInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

/** A socket file that a dead server left: nobody answers. */
async function isStale(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.on('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED');
    });
  });
}
