import { asError, plug, type Timer, unplug } from '@interposer/core';
import { acceptTls, type SecureConnection } from '@interposer/nbd-tls';
import type { Socket } from 'node:net';
import { Client, nameOf } from './client.ts';
import type { ConnectionContext } from './connection-context.ts';
import type { Export } from './export.ts';
import { IdleWatch } from './idle-watch.ts';
import { Negotiation } from './negotiation.ts';
import type { Agreement, NegotiationHost, Refusal } from './negotiation-host.ts';
import type { NbdEvent } from './options.ts';
import { type InputSink, takeOver } from './socket-input.ts';
import { TlsInput } from './tls-input.ts';
import { Transmission } from './transmission.ts';
import type { TransmissionHost } from './transmission-host.ts';

/** Negotiation replies that are not sent, beyond which no further option is answered. */
const MAX_UNSENT = 256 * 1024;

/** Why a connection has ended, if nothing else is known. */
const GONE = 'the client went away';

/** One client, from its connecting to the moment nothing of it is left. */
export class Connection implements InputSink, NegotiationHost, TransmissionHost {
  readonly number: number;
  readonly #context: ConnectionContext;
  readonly #client: Client;
  /** What is read and written: once TLS is on, the socket inside. */
  #socket: Socket;
  readonly #timer: Timer;
  #negotiation: Negotiation;
  /** STARTTLS was granted, and how the handshake ends is not known yet. */
  #securing = false;
  #transmission: Transmission | null = null;
  #idleWatch: IdleWatch | null = null;
  /** Bytes that came before reading could stop. */
  #stash: Buffer | null = null;
  #paused = false;
  #over = false;
  #reason = GONE;

  constructor(accepted: Socket, unix: boolean, number: number, context: ConnectionContext) {
    this.number = number;
    this.#context = context;
    this.#socket = takeOver(accepted, this);
    this.#client = new Client(this.#socket, unix);
    this.#attend(this.#socket);
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

  get tls(): NegotiationHost['tls'] {
    return this.#client.tls === null ? this.#context.tls.state : 'active';
  }

  window(): Buffer {
    return this.#transmission === null ? this.#context.receiveBuffer : this.#transmission.intake.window();
  }

  /** A burst, and a safety net: whatever a client sends, the process lives. */
  received(buffer: Buffer, bytes: number): boolean {
    if (this.#idleWatch !== null) this.#idleWatch.active = true;
    plug();
    try {
      const taken = this.#take(buffer, bytes);
      if (taken === bytes || this.#socket.destroyed) return true;
      this.#paused = true;
      this.#stash = Buffer.from(buffer.subarray(taken, bytes));
      return false;
    } catch (error) {
      this.#fail('fault', asError(error).stack ?? String(error), 'a fault in the server');
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

  refusal(exported: Export, opening: boolean): Refusal | null {
    const refusal = this.#context.refusal(exported, this.#client, opening);
    if (refusal !== null && opening) this.#event('refused', refusal.message, exported);
    return refusal;
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  startTls(clientFlags: number): void {
    this.#securing = true;
    acceptTls(this.#socket, this.#context.tls.settings!).then(
      (secure) => this.#secured(secure, clientFlags),
      (error: unknown) => this.#unsecured(asError(error).message),
    );
  }

  transmit(exported: Export, agreement: Agreement): void {
    const { clock, idleTimeout } = this.#context;
    this.#timer.cancel();
    exported.connections++;
    const transmission = new Transmission(
      { ...this.#context, socket: this.#socket, exported, agreement },
      this,
    );
    this.#transmission = transmission;
    if (idleTimeout !== Infinity) {
      const isBusy = (): boolean => !transmission.idle;
      this.#idleWatch = new IdleWatch(clock, idleTimeout, isBusy, () =>
        this.destroy('it was idle for too long'),
      );
    }
    this.#event('opened', `a client opened "${exported.name}"`);
  }

  violation(message: string): void {
    if (!this.#socket.destroyed) this.#fail('violation', message);
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

  #attend(socket: Socket): void {
    socket.on('end', () => this.#ended());
    // A broken connection needs no report: `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
    socket.on('drain', () => {
      if (this.#transmission === null) this.unblocked();
    });
  }

  /** TLS is on. What was negotiated without it is void: somebody else may have said it. */
  #secured({ socket, peer }: SecureConnection, clientFlags: number): void {
    if (socket.destroyed) {
      this.#unsecured(GONE);
      return;
    }
    this.#securing = false;
    this.#client.tls = peer;
    this.#socket = socket;
    new TlsInput(socket, this);
    this.#attend(socket);
    this.#event('secured', `TLS is on${nameOf(peer)}`);
    this.#negotiation = new Negotiation(this, clientFlags);
  }

  #unsecured(message: string): void {
    this.#securing = false;
    if (this.#reason === GONE) this.#fail('violation', message);
    this.#closed();
  }

  /** Answers how many bytes were taken: less than all when blocked. */
  #take(buffer: Buffer, bytes: number): number {
    const at = this.#transmission === null ? this.#negotiation.receive(buffer, 0, bytes) : 0;
    // Whoever sent what follows STARTTLS cannot be told from somebody who slipped it in before the encryption.
    if (this.#securing && at < bytes) this.violation('bytes behind STARTTLS that are not encrypted');
    return this.#transmission === null ? at : this.#transmission.intake.receive(buffer, at, bytes);
  }

  #ended(): void {
    if (this.#transmission === null) this.hangUp();
    else this.#transmission.finish();
  }

  /** The socket is closed, or the last request after that has ended. */
  #closed(): void {
    this.#timer.cancel();
    this.#idleWatch?.stop();
    this.#stash = null;
    if (this.#securing) return;
    const transmission = this.#transmission;
    transmission?.disconnect();
    if (this.#over || transmission?.idle === false) return;
    this.#over = true;
    if (transmission !== null) transmission.exported.connections--;
    this.#event('closed', this.#reason);
    this.#context.closed(this);
  }

  #fail(kind: 'violation' | 'fault', message: string, reason: string = message): void {
    this.#event(kind, message);
    this.destroy(reason);
  }

  #event(kind: NbdEvent['kind'], message: string, exported: Export | null = this.exported): void {
    this.#context.event({
      kind,
      connection: this.number,
      message,
      ...(exported === null ? {} : { exportName: exported.name }),
    });
  }
}
