import { fail, fromSystemError } from '@interposer/core';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import type { NbdAddress } from './options.ts';

const DEFAULT_HOST = '127.0.0.1';
const OWNER_ONLY = 0o600;

/** A server that listens, and where. */
export interface Listener {
  readonly server: Server;
  readonly address: NbdAddress;
}

/** Starts to listen. Accepted sockets are paused. EBUSY: another server is there; else the system's error. */
export async function startListening(
  address: NbdAddress,
  accept: (socket: Socket) => void,
): Promise<Listener> {
  return 'path' in address ? listenUnix(address.path, accept) : listenTcp(address, accept);
}

async function listenTcp(
  { host = DEFAULT_HOST, port }: { readonly host?: string; readonly port: number },
  accept: (socket: Socket) => void,
): Promise<Listener> {
  const server = makeServer(accept);
  try {
    await listening(server, { host, port });
  } catch (error) {
    if (isAddressInUse(error)) throw fail('EBUSY', `${host} port ${String(port)} is in use`, error);
    throw fromSystemError(error, `cannot listen on ${host} port ${String(port)}`);
  }
  const bound = server.address() as { address: string; port: number };
  return { server, address: { host: bound.address, port: bound.port } };
}

async function listenUnix(path: string, accept: (socket: Socket) => void): Promise<Listener> {
  for (let attempt = 0; ; attempt++) {
    const server = makeServer(accept);
    try {
      await listeningPrivately(server, path);
      return { server, address: { path } };
    } catch (error) {
      if (!isAddressInUse(error)) throw fromSystemError(error, `cannot listen on ${path}`);
      if (attempt > 0 || !(await isStale(path))) {
        throw fail('EBUSY', `${path} is in use: a server listens there, or it is no socket`, error);
      }
      unlinkSync(path);
    }
  }
}

/** The socket file is its owner's only, from its first moment on where the mask of the process can be set. */
async function listeningPrivately(server: Server, path: string): Promise<void> {
  const mask = isMainThread ? process.umask(0o777 & ~OWNER_ONLY) : undefined;
  // The file comes into being inside the call.
  const started = listening(server, { path });
  if (mask !== undefined) process.umask(mask);
  await started;
  chmodSync(path, OWNER_ONLY);
}

function listening(server: Server, options: ListenOptions): Promise<void> {
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
