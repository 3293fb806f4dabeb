import { connect as connectSocket, type Socket } from 'node:net';
import { fail, fromSystemError } from '@interposer/core';
import type { Service } from '../service.ts';
import { serviceOver } from './client.ts';
import { errorFromAnswer } from './json-rpc.ts';
import { LineSplitter } from './line-splitter.ts';

/** A connection to a daemon. */
export interface RemoteService extends Service {
  /** Resolves when the connection is closed, by either side. A daemon that shuts down closes it last of all. */
  readonly closed: Promise<void>;
  /** Disconnects: what is waited for fails, what is held is released. */
  close(): void;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /** Where relative paths in calls start; the working directory of this process by default. */
  readonly cwd?: string;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Answers of a daemon one trusts may be long: a table of a million lines, for one. */
const MAX_ANSWER = 2 ** 30;

/**
 * Connects to a daemon's control socket. The result has the interface of an engine in this process. Rejects with ENOENT
 * where there is no socket, and with what the system says otherwise; calls that a lost connection leaves open reject with
 * ESHUTDOWN.
 */
export async function connect(socketPath: string, options: ConnectOptions = {}): Promise<RemoteService> {
  const line = new Line(await openSocket(socketPath));
  const call = (method: string, params: readonly unknown[]): Promise<unknown> => line.call(method, params);
  const service = serviceOver(call);
  await service.chdir(options.cwd ?? process.cwd());
  return {
    ...service,
    closed: line.closed,
    close: () => {
      line.close();
    },
  };
}

function openSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    socket.once('connect', () => {
      resolve(socket);
    });
    socket.once('error', (error) => {
      reject(fromSystemError(error, `no daemon on ${path}`));
    });
  });
}

/** Requests and answers on one socket. */
class Line {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #splitter = new LineSplitter(MAX_ANSWER);
  #lastId = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const line of this.#splitter.push(chunk)) this.#answer(line);
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        for (const waiting of this.#waiting.values()) waiting.reject(lost());
        this.#waiting.clear();
        resolve();
      });
    });
  }

  call(method: string, params: readonly unknown[]): Promise<unknown> {
    if (!this.#socket.writable) return Promise.reject(lost());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #answer(line: Uint8Array | null): void {
    const message =
      line === null ? {} : (JSON.parse(Buffer.from(line).toString()) as Record<string, unknown>);
    const waiting = this.#waiting.get(message.id as number);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id as number);
    if (message.error !== undefined) waiting.reject(errorFromAnswer(message.error));
    else waiting.resolve(message.result ?? undefined);
  }
}

function lost(): Error {
  return fail('ESHUTDOWN', 'the connection to the daemon is closed');
}
