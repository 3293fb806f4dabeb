import { createServer, type Server } from 'node:net';
import { Connection } from './connection.ts';
import type { Host } from './host.ts';
import { publishSocket } from './publish-socket.ts';
import { Session } from './session.ts';

/** Clients that may be connected at once. */
const MAX_CLIENTS = 256;

/** Serves a host's control protocol on a UNIX socket. */
export class ControlServer {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #withdraw: () => void = () => undefined;

  /** `onShutdown` is what a client's `shutdown` does, after it was answered. */
  constructor(host: Host, onShutdown: () => void) {
    // Half-open: a client that has said all it wanted still gets its answers.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new Connection(socket, new Session(host, process.cwd(), onShutdown));
      this.#connections.add(connection);
      socket.on('close', () => this.#connections.delete(connection));
    });
    this.#server.maxConnections = MAX_CLIENTS;
  }

  /** EBUSY if another listens there. */
  async listen(path: string): Promise<void> {
    this.#withdraw = await publishSocket(this.#server, path);
  }

  /** No new clients: the name of the socket is gone. Those that are connected stay. */
  withdraw(): void {
    this.#withdraw();
    this.#server.close();
  }

  /** Waits for what clients asked for, and takes nothing further from them; what they kept open is closed. */
  async drain(): Promise<void> {
    this.withdraw();
    await Promise.all([...this.#connections].map((connection) => connection.drain()));
  }

  /** Disconnects every client: the sign that the daemon is done. */
  async close(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }
}
