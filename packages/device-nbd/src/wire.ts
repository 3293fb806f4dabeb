import { asError, fail, fromSystemError } from '@interposer/core';
import type { NbdUri } from '@interposer/nbd-protocol';
import { type ClientTls, connectTls, describeTlsError } from '@interposer/nbd-tls';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { ByteReader } from './byte-reader.ts';
import { fromTlsError } from './settings.ts';

const RECEIVE_BYTES = 256 * 1024;

/** After so many milliseconds of silence the system asks whether the server is still there: one that vanished says nothing. */
const LASTING = { keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

/** Whoever takes the bytes of a connection after the handshake. */
export interface Receiver {
  /** Where the next bytes should go, or null for anywhere. Not asked with TLS. */
  window(): Uint8Array | null;
  /** So many bytes came into the window. */
  receivedInWindow(bytes: number): void;
  /** So many bytes came, at the start of a buffer that is used again afterwards. */
  receive(buffer: Buffer, bytes: number): void;
  /** No more will come. */
  closed(reason: string): void;
}

/** A connection: its bytes go to the reader during the handshake, and to a receiver after it. */
export class Wire {
  readonly reader: ByteReader = new ByteReader();
  readonly #plain: Socket;
  #socket: Socket;
  #receiver: Receiver | null = null;
  #reason = 'the server closed the connection';

  /** Begins to connect. Only a wire that will not be secured reads into windows: TLS has buffers of its own. */
  constructor({ address }: NbdUri, willBeSecured: boolean) {
    const place: NetConnectOpts =
      address.kind === 'unix'
        ? { path: address.path }
        : { host: address.host, port: address.port, noDelay: true, ...LASTING };
    this.#plain = connect(willBeSecured ? place : { ...place, onread: this.#windows() });
    this.#socket = this.#plain;
    if (willBeSecured) this.#plain.on('data', this.#take);
    this.#watch(this.#plain, (error) => fromSystemError(error, 'cannot reach the server'));
  }

  /** What requests are written to. */
  get socket(): Socket {
    return this.#socket;
  }

  /** Sends a part of the handshake. */
  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** From here on all goes through TLS. Rejects with EACCES or EIO, and then the connection is closed. */
  async secure(settings: ClientTls): Promise<void> {
    // Whatever came in plain text could have been put there by anybody, and would be taken for a secured answer.
    if (this.reader.rest().length > 0) throw fail('EIO', 'the server went on in plain text before TLS began');
    this.#plain.off('data', this.#take);
    try {
      this.#socket = await connectTls(this.#plain, settings);
    } catch (error) {
      throw fromTlsError(error);
    }
    this.#watch(this.#socket, (error) => asError(fromTlsError(describeTlsError(error))));
    this.#socket.on('data', this.#take);
  }

  /** The handshake is over: a receiver gets what has come already, and all that comes. */
  transmitTo(receiver: Receiver): void {
    const rest = this.reader.rest();
    this.#receiver = receiver;
    if (rest.length > 0) receiver.receive(rest, rest.length);
    if (this.#socket.destroyed) receiver.closed(this.#reason);
  }

  /** Says so much more and closes. */
  end(bytes: Buffer): void {
    this.#socket.end(bytes, () => this.destroy());
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
    this.#plain.destroy();
  }

  #windows(): NonNullable<NetConnectOpts['onread']> {
    const receiveBuffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    return {
      buffer: () => this.#receiver?.window() ?? receiveBuffer,
      callback: (bytes: number, window: Uint8Array) => {
        if (this.#receiver === null) this.reader.push(receiveBuffer.subarray(0, bytes));
        else if (window === receiveBuffer) this.#receiver.receive(receiveBuffer, bytes);
        else this.#receiver.receivedInWindow(bytes);
        return true;
      },
    };
  }

  readonly #take = (bytes: Buffer): void => {
    if (this.#receiver === null) this.reader.push(bytes);
    else this.#receiver.receive(bytes, bytes.length);
  };

  #watch(socket: Socket, explain: (error: Error) => Error): void {
    socket.on('error', (error) => {
      this.#reason = explain(error).message;
      this.reader.fail(explain(error));
    });
    socket.on('close', () => {
      this.reader.fail(fail('EIO', this.#reason));
      this.#receiver?.closed(this.#reason);
    });
  }
}
