import { BufferPool, type Clock, fail, systemClock } from '@interposer/core';
import { DEFAULT_MAX_PAYLOAD } from '@interposer/nbd-protocol';
import type { Socket } from 'node:net';
import { Admission } from './admission.ts';
import { Connection } from './connection.ts';
import type { ConnectionContext } from './connection-context.ts';
import { Export } from './export.ts';
import { type Listener, startListening } from './listen.ts';
import type { NbdAddress, NbdEvent, NbdExport, NbdExportState, NbdServerOptions } from './options.ts';
import { accessMeansOf, makeTlsPolicy } from './tls.ts';

const DEFAULT_HANDSHAKE_TIMEOUT = 30_000;
const DEFAULT_MAX_CONNECTIONS = 1024;
const DEFAULT_MAX_REQUESTS = 16_384;

/** Milliseconds that clients have to take their last replies, and devices to end the last requests. */
const SHUTDOWN_GRACE = 10_000;

const RECEIVE_BYTES = 256 * 1024;

/** Serves devices over NBD on any number of UNIX sockets and TCP ports. */
export class NbdServer {
  readonly #clock: Clock;
  readonly #maxConnections: number;
  readonly #onEvent: (event: NbdEvent) => void;
  readonly #context: ConnectionContext;
  readonly #exports = new Map<string, Export>();
  readonly #admissions = new WeakMap<Export, Admission>();
  readonly #listeners = new Set<Listener>();
  /** Each with what is to be called when it is gone. */
  readonly #connections = new Map<Connection, (() => void)[]>();
  #lastNumber = 0;
  #closing: Promise<void> | null = null;

  /** EINVAL, ENOENT, EACCES: what TLS needs cannot be read or used. */
  constructor(options: NbdServerOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.#context = {
      pool: new BufferPool(),
      receiveBuffer: Buffer.allocUnsafeSlow(RECEIVE_BYTES),
      maxBufferedBytes: options.maxBufferedBytes ?? DEFAULT_MAX_PAYLOAD,
      maxRequests: options.maxRequests ?? DEFAULT_MAX_REQUESTS,
      handshakeTimeout: options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT,
      idleTimeout: options.idleTimeout ?? Infinity,
      tls: makeTlsPolicy(options.tls),
      clock: this.#clock,
      find: (name) => this.#find(name),
      list: () => [...this.#exports.values()],
      refusal: (exported, client, opening) =>
        this.#admissions.get(exported)!.refusal(client, opening, exported.connections),
      event: (event) => this.#onEvent(event),
      closed: (connection) => this.#gone(connection),
    };
  }

  /** In the order in which they were added. */
  get exports(): readonly NbdExportState[] {
    return [...this.#exports.values()].map(({ state }) => state);
  }

  /** EEXIST if the name is taken, EINVAL if the protocol cannot carry it or a rule of access cannot hold here. */
  addExport(options: NbdExport): void {
    this.#refuseIfClosing();
    if (this.#exports.has(options.name)) throw fail('EEXIST', `there is an export "${options.name}" already`);
    const admission = new Admission(options, accessMeansOf(this.#context.tls));
    const exported = new Export(options);
    this.#admissions.set(exported, admission);
    this.#exports.set(options.name, exported);
  }

  /**
   * Takes an export away: its clients' requests in flight are finished and answered, then they are disconnected. Resolves
   * when the port is no longer in use, or after ten seconds. ENOENT if there is none of that name.
   */
  async removeExport(name: string): Promise<void> {
    const exported = this.#exports.get(name);
    if (exported === undefined) throw fail('ENOENT', `there is no export "${name}"`);
    this.#exports.delete(name);
    await this.#letGo([...this.#connections.keys()].filter((connection) => connection.exported === exported));
    exported.detach();
  }

  /**
   * Listens at one more address and answers where that is. A socket file is accessible to its owner only unless the address
   * has a mode, and one that a dead server left is replaced. EBUSY if the address is in use; EINVAL for no mode or group.
   */
  async listen(address: NbdAddress): Promise<NbdAddress> {
    this.#refuseIfClosing();
    const listener = await startListening(address, {
      accept: (socket, unix) => this.#accept(socket, unix),
      missed: ({ message }) => this.#refused(++this.#lastNumber, `a client was not accepted: ${message}`),
    });
    this.#listeners.add(listener);
    if (this.#closing !== null) await this.#stopListening();
    return listener.address;
  }

  /**
   * Ends the service: no new connections, new requests are refused, requests in flight are finished and answered. Then, or
   * after ten seconds, the connections are closed. Ports stay open.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const stopped = this.#stopListening();
    await this.#letGo([...this.#connections.keys()]);
    await stopped;
    for (const exported of this.#exports.values()) exported.detach();
    this.#exports.clear();
  }

  async #stopListening(): Promise<void> {
    const closed = [...this.#listeners].map(
      ({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    this.#listeners.clear();
    await Promise.all(closed);
  }

  /** Waits until these connections are gone; those that take too long are cut off. */
  async #letGo(connections: readonly Connection[]): Promise<void> {
    let expire: () => void = () => undefined;
    const expired = new Promise<void>((resolve) => (expire = resolve));
    const timer = this.#clock.after(SHUTDOWN_GRACE, () => {
      for (const connection of connections) connection.destroy('it took too long to finish');
      expire();
    });
    const gone = connections.map((connection) => this.#whenGone(connection));
    for (const connection of connections) connection.shutDown();
    await Promise.race([Promise.all(gone), expired]);
    timer.cancel();
  }

  #whenGone(connection: Connection): Promise<void> {
    return new Promise((resolve) => {
      this.#connections.get(connection)?.push(resolve);
    });
  }

  #gone(connection: Connection): void {
    const waiting = this.#connections.get(connection) ?? [];
    this.#connections.delete(connection);
    for (const resolve of waiting) resolve();
  }

  #accept(socket: Socket, unix: boolean): void {
    const number = ++this.#lastNumber;
    if (this.#closing === null && this.#connections.size < this.#maxConnections) {
      this.#connections.set(new Connection(socket, unix, number, this.#context), []);
      return;
    }
    socket.destroy();
    this.#refused(number, 'there are too many connections');
  }

  #refused(connection: number, message: string): void {
    this.#onEvent({ kind: 'refused', connection, message });
  }

  /** The empty name means the only export, if there is one only and none of that name. */
  #find(name: string): Export | undefined {
    const exported = this.#exports.get(name);
    if (exported !== undefined || name !== '' || this.#exports.size !== 1) return exported;
    return [...this.#exports.values()][0];
  }

  #refuseIfClosing(): void {
    if (this.#closing !== null) throw fail('ESHUTDOWN', 'the server is closed');
  }
}
