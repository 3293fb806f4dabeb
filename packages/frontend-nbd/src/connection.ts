import { asError, type BufferPool, type Clock, plug, type Timer, unplug } from '@interposer/core';
import type { Socket } from 'node:net';
import type { Export } from './export.ts';
import { Negotiation, type NegotiationHost } from './negotiation.ts';
import type { NbdEvent } from './options.ts';
import { type InputSink, takeOver } from './socket-input.ts';
import { Transmission } from './transmission.ts';
import type { TransmissionHost } from './transmission-host.ts';

/** Negotiation replies that are not sent, beyond which no further option is answered. */
const MAX_UNSENT = 256 * 1024;

/** What all connections of a server share. */
export interface ConnectionContext {
  readonly pool: BufferPool;
  /** Bytes from any socket come in here until its client writes, and are used or copied before the next read. */
  readonly receiveBuffer: Buffer;
  readonly maxBufferedBytes: number;
  readonly handshakeTimeout: number;
  readonly clock: Clock;
  find(name: string): Export | undefined;
  list(): readonly Export[];
  event(event: NbdEvent): void;
  closed(connection: Connection): void;
}

/** One client, from its connecting to the moment nothing of it is left. */
export class Connection implements InputSink, NegotiationHost, TransmissionHost {
  readonly number: number;
  readonly #context: ConnectionContext;
  readonly #socket: Socket;
  readonly #negotiation: Negotiation;
  readonly #timer: Timer;
  #transmission: Transmission | null = null;
  /** Bytes that came before reading could stop. */
  #stash: Buffer | null = null;
  #paused = false;
  #over = false;
  #reason = 'the client went away';

  constructor(accepted: Socket, number: number, context: ConnectionContext) {
    this.number = number;
    this.#context = context;
    this.#socket = takeOver(accepted, this);
    this.#socket.on('end', () => this.#ended());
    // A broken connection needs no report: `close` follows.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#closed());
    this.#socket.on('drain', () => {
      if (this.#transmission === null) this.unblocked();
    });
    this.#timer = context.clock.after(context.handshakeTimeout, () =>
      this.violation('no export was chosen in time'),
    );
    this.#negotiation = new Negotiation(this);
  }

  /** What the client is connected to. */
  get exported(): Export | null {
    return this.#transmission?.exported ?? null;
  }

  get blocked(): boolean {
    return this.#socket.writableLength > MAX_UNSENT;
  }

  window(): Buffer {
    return this.#transmission === null ? this.#context.receiveBuffer : this.#transmission.intake.window();
  }

  /** A burst, and a safety net: whatever a client sends, the process lives. */
  received(buffer: Buffer, bytes: number): boolean {
    plug();
    try {
      const taken = this.#take(buffer, bytes);
      if (taken === bytes || this.#socket.destroyed) return true;
      this.#paused = true;
      this.#stash = Buffer.from(buffer.subarray(taken, bytes));
      return false;
    } catch (error) {
      this.#event('fault', asError(error).stack ?? String(error));
      this.destroy('a fault in the server');
      return true;
    } finally {
      unplug();
    }
  }

  find(name: string): Export | undefined {
    return this.#context.find(name);
  }

  list(): readonly Export[] {
    return this.#context.list();
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  transmit(exported: Export): void {
    this.#timer.cancel();
    exported.connections++;
    this.#transmission = new Transmission({ ...this.#context, socket: this.#socket, exported }, this);
    this.#event('opened', `a client opened "${exported.name}"`);
  }

  violation(message: string): void {
    if (this.#socket.destroyed) return;
    this.#event('violation', message);
    this.destroy(message);
  }

  finished(): void {
    if (this.#socket.destroyed) this.#closed();
    else this.hangUp();
  }

  hangUp(): void {
    this.#socket.destroySoon();
  }

  unblocked(): void {
    if (!this.#paused || this.#socket.destroyed) return;
    const rest = this.#stash;
    this.#stash = null;
    this.#paused = false;
    if (rest === null || this.received(rest, rest.length)) this.#socket.resume();
  }

  /** Lets the client go in good order: what is in flight is finished and answered. */
  shutDown(): void {
    this.#reason = 'the server let it go';
    if (this.#transmission === null) this.hangUp();
    else this.#transmission.shutDown();
  }

  /** Cuts the client off. */
  destroy(reason: string): void {
    this.#reason = reason;
    this.#socket.destroy();
  }

  /** Answers how many bytes were taken: less than all when blocked. */
  #take(buffer: Buffer, bytes: number): number {
    const at = this.#transmission === null ? this.#negotiation.receive(buffer, 0, bytes) : 0;
    return this.#transmission === null ? at : this.#transmission.intake.receive(buffer, at, bytes);
  }

  #ended(): void {
    if (this.#transmission === null) this.hangUp();
    else this.#transmission.finish();
  }

  /** The socket is closed, or the last request after that has ended. */
  #closed(): void {
    this.#timer.cancel();
    this.#stash = null;
    const transmission = this.#transmission;
    transmission?.disconnect();
    if (this.#over || transmission?.idle === false) return;
    this.#over = true;
    if (transmission !== null) transmission.exported.connections--;
    this.#event('closed', this.#reason);
    this.#context.closed(this);
  }

  #event(kind: NbdEvent['kind'], message: string): void {
    const name = this.#transmission?.exported.name;
    this.#context.event({
      kind,
      connection: this.number,
      message,
      ...(name === undefined ? {} : { exportName: name }),
    });
  }
}
