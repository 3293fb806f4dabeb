import { join } from 'node:path';
import type { Port } from '@interposer/core';
import { NbdServer } from '@interposer/frontend-nbd';
import { exportUri } from '../daemon/exports.ts';

/** Serves a device on a UNIX socket, for the commands of a crash test alone. */
export class DiskServer {
  readonly socket: string;
  readonly #server: NbdServer;

  private constructor(socket: string, server: NbdServer) {
    this.socket = socket;
    this.#server = server;
  }

  /** Listens in a private folder; EINVAL where the path of that is too long for a socket. The port stays the caller's. */
  static async open(port: Port, folder: string): Promise<DiskServer> {
    const socket = join(folder, 'disk.sock');
    const server = new NbdServer();
    server.addExport({ name: '', port });
    await server.listen({ path: socket });
    return new DiskServer(socket, server);
  }

  /** For INTERPOSER_URI. */
  get uri(): string {
    return exportUri('', { path: this.socket });
  }

  /** Answers what is in flight and removes the socket. */
  close(): Promise<void> {
    return this.#server.close();
  }
}
