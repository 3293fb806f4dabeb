import { connect, type Socket } from 'node:net';
import type { NbdUri } from '@interposer/nbd-protocol';
import { NotApplicable, Violation } from './rule.ts';

/** The server closed the connection where something was still to come. */
export class Closed extends Violation {}

/** The server granted STARTTLS, and the handshake failed. */
export class TlsFailure extends Violation {}

/** No connection to the server at all: it does not listen, it is dead, or does not come to terms in TLS. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Bytes to and from a server, in order, with a time bound for all that is waited for. */
export class Wire {
  readonly #signal: AbortSignal;
  #socket: Socket;
  #chunks: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    this.#listen(socket);
    signal.addEventListener('abort', () => this.#wake());
  }

  send(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Says that nothing more will be sent; answers can still come. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** So many bytes; `what` they are is for the message if they do not come. `Closed`, `Violation`. */
  async take(count: number, what: string): Promise<Buffer> {
    while (this.#length < count) {
      if (this.#ended) throw new Closed(`the server closed the connection instead of sending ${what}`);
      this.#refuseIfLate(what);
      await this.#change();
    }
    return this.#cut(count);
  }

  /** Resolves when the server has closed the connection: false if it sent bytes before. */
  async closed(what: string): Promise<boolean> {
    while (!this.#ended && this.#length === 0) {
      this.#refuseIfLate(`an end to the connection ${what}`);
      await this.#change();
    }
    return this.#length === 0;
  }

  /** Hands the socket to a TLS handshake, and goes on with what that gives. */
  async upgrade(secure: (socket: Socket) => Promise<Socket>): Promise<void> {
    const plain = this.#socket;
    plain.off('data', this.#data).off('end', this.#end).off('close', this.#end);
    try {
      this.#socket = await secure(plain);
    } catch (error) {
      this.#end();
      throw error instanceof NotApplicable
        ? error
        : new TlsFailure(`the TLS handshake fails: ${(error as Error).message}`);
    }
    this.#listen(this.#socket);
  }

  #listen(socket: Socket): void {
    socket.on('data', this.#data);
    socket.on('end', this.#end);
    socket.on('close', this.#end);
    // An error is followed by `close`, and to a client a reset is an end like another.
    socket.on('error', () => undefined);
  }

  readonly #data = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#wake();
  };

  readonly #end = (): void => {
    this.#ended = true;
    this.#wake();
  };

  #refuseIfLate(what: string): void {
    if (this.#signal.aborted) throw new Violation(`${what} did not come in time`);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #cut(count: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length);
    const rest = all.subarray(count);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length -= count;
    return all.subarray(0, count);
  }
}

/** A connected socket; `Unreachable` if there is none to be had. */
export function openSocket(address: NbdUri['address'], signal?: AbortSignal): Promise<Socket> {
  const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  const socket = connect({ ...where, allowHalfOpen: true, noDelay: true });
  return new Promise((resolve, reject) => {
    const late = (): void => {
      socket.destroy();
      reject(new Unreachable('no connection in time'));
    };
    const refused = ({ message }: Error): void => {
      signal?.removeEventListener('abort', late);
      reject(new Unreachable(message));
    };
    signal?.addEventListener('abort', late, { once: true });
    socket.once('error', refused);
    socket.once('connect', () => {
      signal?.removeEventListener('abort', late);
      socket.off('error', refused);
      resolve(socket);
    });
  });
}
