import type { Socket } from 'node:net';
import {
  BadRequest,
  errorLine,
  failureLine,
  MAX_MESSAGE,
  parseRequest,
  resultLine,
  RpcError,
  type RpcId,
} from './json-rpc.ts';
import { LineSplitter } from './line-splitter.ts';
import { callMethod, isMethod } from './methods.ts';
import type { Session } from './session.ts';

/** Requests of one client that may be under way at once; further ones wait in its socket. */
const MAX_PENDING = 32;

/** How long in milliseconds a client that sends no more may wait for answers: it may be gone altogether. */
const LAST_ANSWERS = 5000;

/** One client of the control socket. What it sends is not trusted: every bad message is answered, none is kept. */
export class Connection {
  readonly #socket: Socket;
  readonly #session: Session;
  readonly #splitter = new LineSplitter(MAX_MESSAGE);
  /** Lines of the chunk that came last, of which those before `#next` are begun. */
  #lines: (Uint8Array | null)[] = [];
  #next = 0;
  #pending = 0;
  #cutOff: NodeJS.Timeout | undefined;
  /** Set when the daemon ends: resolves what `close` waits for. */
  #onQuiet: (() => void) | null = null;

  constructor(socket: Socket, session: Session) {
    this.#socket = socket;
    this.#session = session;
    socket.on('data', (chunk: Buffer) => {
      if (this.#onQuiet !== null) return;
      this.#lines = this.#lines.slice(this.#next).concat(this.#splitter.push(chunk));
      this.#next = 0;
      this.#proceed();
    });
    socket.on('drain', () => {
      this.#proceed();
    });
    socket.on('error', () => undefined);
    // A client that has said all it wanted still gets its answers, for a while; what it waits for ends now.
    socket.on('end', () => {
      session.gone.abort();
      this.#cutOff = setTimeout(() => socket.destroy(), LAST_ANSWERS).unref();
      this.#proceed();
    });
    socket.on('close', () => {
      clearTimeout(this.#cutOff);
      session.close();
    });
  }

  /** Takes no further requests and lets those under way end and be answered. The client stays connected. */
  async drain(): Promise<void> {
    this.#lines = [];
    this.#next = 0;
    this.#session.gone.abort();
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
      if (this.#pending === 0) resolve();
    });
    this.#session.close();
  }

  /** Disconnects when what was answered is sent. */
  close(): Promise<void> {
    return goodbye(this.#socket);
  }

  get #waiting(): boolean {
    return this.#next < this.#lines.length;
  }

  /** Takes lines as long as there is room for their answers; the rest, and what follows them, waits. */
  #proceed(): void {
    const socket = this.#socket;
    while (this.#waiting && socket.writable && this.#pending < MAX_PENDING && !socket.writableNeedDrain) {
      this.#take(this.#lines[this.#next++]!);
    }
    if (this.#waiting && socket.writable) {
      socket.pause();
      return;
    }
    socket.resume();
    if (socket.readableEnded && this.#pending === 0) socket.end();
  }

  #take(line: Uint8Array | null): void {
    if (line === null) {
      this.#send(
        errorLine(null, RpcError.InvalidRequest, `a message is at most ${String(MAX_MESSAGE)} bytes long`),
      );
      return;
    }
    if (line.length === 0) return;
    try {
      const { id, method, params } = parseRequest(line);
      if (isMethod(method)) this.#call(id, method, params);
      else if (id !== undefined)
        this.#send(errorLine(id, RpcError.MethodNotFound, `there is no method ${quote(method)}`));
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      this.#send(errorLine(error.id, error.code, error.message));
    }
  }

  #call(id: RpcId | undefined, method: string, params: readonly unknown[]): void {
    this.#pending++;
    callMethod(this.#session, method, params)
      .then(
        (result) => resultLine(id ?? null, result),
        (error: unknown) => failureLine(id ?? null, error),
      )
      .then((answer) => {
        this.#pending--;
        if (id !== undefined) this.#send(answer);
        if (this.#pending === 0) this.#onQuiet?.();
        this.#proceed();
      })
      .catch(() => {
        this.#socket.destroy();
      });
  }

  #send(line: string): void {
    if (this.#socket.writable) this.#socket.write(line);
  }
}

/** How long in milliseconds a client may take to read its last answers. */
const GOODBYE = 1000;

function goodbye(socket: Socket): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), GOODBYE);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.end(() => socket.destroy());
  });
}

function quote(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}...` : name);
}
