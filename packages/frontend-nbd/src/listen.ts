import { fail, fromSystemError } from '@interposer/core';
import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { NbdAddress, NbdTcpAddress, NbdUnixAddress } from './options.ts';
import { checkSocketPath, openUp, privately, socketAccessOf } from './socket-file.ts';

const DEFAULT_HOST = '127.0.0.1';

/** Milliseconds of silence after which the system asks whether a client by TCP is still there: one that vanished says nothing. */
const KEEPALIVE_DELAY = 60_000;

/** A server that listens, and where. */
export interface Listener {
  readonly server: Server;
  readonly address: NbdAddress;
}

/** Who is told of connections. */
export interface Acceptor {
  /** Takes an accepted socket, which is paused; `unix` is whether it came through a UNIX socket. */
  accept(socket: Socket, unix: boolean): void;
  /** The system could not accept one: it has no descriptor left, for example. The server goes on. */
  missed(error: Error): void;
}

/** Starts to listen. EBUSY: another server is there; EINVAL: no such mode or group, too long a path; else the system's error. */
export async function startListening(address: NbdAddress, acceptor: Acceptor): Promise<Listener> {
  const listener = await listen(address, acceptor);
  // Without anybody to hear of it, one connection that cannot be accepted would end the process.
  listener.server.on('error', (error) => acceptor.missed(error));
  return listener;
}

function listen(address: NbdAddress, acceptor: Acceptor): Promise<Listener> {
  if ('fd' in address) return listenInherited(address.fd, acceptor);
  return 'path' in address ? listenUnix(address, acceptor) : listenTcp(address, acceptor);
}

async function listenTcp(
  { host = DEFAULT_HOST, port }: NbdTcpAddress,
  acceptor: Acceptor,
): Promise<Listener> {
  const server = makeServer((socket) => acceptor.accept(socket, false));
  try {
    await listening(server, { host, port });
  } catch (error) {
    if (isAddressInUse(error)) throw fail('EBUSY', `${host} port ${String(port)} is in use`, error);
    throw fromSystemError(error, `cannot listen on ${host} port ${String(port)}`);
  }
  return { server, address: boundTo(server)! };
}

async function listenInherited(fd: number, acceptor: Acceptor): Promise<Listener> {
  const server = makeServer((socket) => acceptor.accept(socket, boundTo(server) === null));
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

async function listenUnix(address: NbdUnixAddress, acceptor: Acceptor): Promise<Listener> {
  const { path } = address;
  checkSocketPath(path);
  const access = socketAccessOf(address);
  for (let attempt = 0; ; attempt++) {
    const server = makeServer((socket) => acceptor.accept(socket, true));
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
  const lasting = { keepAlive: true, keepAliveInitialDelay: KEEPALIVE_DELAY };
  return createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true, ...lasting }, accept);
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
