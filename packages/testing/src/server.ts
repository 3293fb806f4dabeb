import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromSystemError, type Port } from '@interposer/core';
import { NbdServer } from '@interposer/frontend-nbd';
import { FOLDER_PREFIX, keepAtExit, removeAtExit, SOCKET, sweep } from './leftovers.ts';

/** A disk on a UNIX socket in a folder of its own, which nobody else may enter. */
export class DiskServer {
  /** The private folder. */
  readonly folder: string;
  readonly socket: string;
  readonly #server: NbdServer;

  private constructor(folder: string, socket: string, server: NbdServer) {
    this.folder = folder;
    this.socket = socket;
    this.#server = server;
  }

  /** The port stays its opener's. Fails with the code of what the system says. */
  static async start(port: Port): Promise<DiskServer> {
    const folder = await makeFolder();
    removeAtExit(folder);
    const socket = join(folder, SOCKET);
    const server = new NbdServer();
    const started = new DiskServer(folder, socket, server);
    try {
      server.addExport({ name: '', port });
      await server.listen({ path: socket });
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  /** For NBD clients. Syntax: the NBD project's doc/uri.md. */
  get uri(): string {
    return `nbd+unix:///?socket=${encodeURIComponent(this.socket).replaceAll('%2F', '/')}`;
  }

  /** Ends the service, connections included, and removes the folder. */
  async close(): Promise<void> {
    await this.#server.close();
    await rm(this.folder, { recursive: true, force: true });
    keepAtExit(this.folder);
  }
}

async function makeFolder(): Promise<string> {
  try {
    await sweep();
    return await mkdtemp(join(tmpdir(), FOLDER_PREFIX));
  } catch (error) {
    throw fromSystemError(error, `cannot make a folder in ${tmpdir()}`);
  }
}
