import { type Clock, SECTOR_SIZE } from '@interposer/core';
import { NbdCommand } from '@interposer/nbd-protocol';
import type { RemoteExport } from './handshake.ts';
import { ReplyParser, type ReplySink } from './reply-parser.ts';
import { ReplyReader } from './reply-reader.ts';
import type { RequestTable } from './request-table.ts';
import type { Request } from './request.ts';
import { RequestSender } from './sender.ts';
import type { Receiver, Wire } from './wire.ts';

/** Milliseconds that the server has to close after it was told that we leave. */
const CLOSE_TIMEOUT = 5_000;

/** Texts of the server that a connection tells of: a server in trouble has one for each request. */
const MOST_WORDS = 20;

/** Who uses a connection. */
export interface ConnectionUser {
  readonly table: RequestTable;
  readonly log: (message: string) => void;
  answered(request: Request): void;
  /** The connection is of no more use. `honest` is false for a server that broke the protocol. */
  broken(connection: Connection, reason: string, honest: boolean): void;
}

/** One connection in transmission: many requests at a time, answered in any order. */
export class Connection implements Receiver, ReplySink {
  readonly remote: RemoteExport;
  /** Requests sent and not answered. */
  inflight = 0;
  readonly #wire: Wire;
  readonly #sender: RequestSender;
  readonly #parser: ReplyParser;
  readonly #reader: ReplyReader;
  #user: ConnectionUser | null = null;
  #words = 0;

  /** The handshake is over; `use` comes next, in the same turn. */
  constructor(wire: Wire, remote: RemoteExport) {
    this.#wire = wire;
    this.remote = remote;
    this.#sender = new RequestSender(wire.socket, remote.headers === 'extended');
    this.#parser = new ReplyParser(remote, this);
    this.#reader = new ReplyReader(this.#parser);
  }

  /** From here on what comes is taken as answers. */
  use(user: ConnectionUser): void {
    this.#user = user;
    this.#wire.transmitTo(this);
  }

  /** Sends a request, or the flush behind it. */
  send(request: Request): void {
    this.#user!.table.renew(request);
    request.connection = this;
    this.inflight++;
    const { command, use, place } = request;
    if (request.flushing || command === NbdCommand.Flush) {
      this.#sender.send(NbdCommand.Flush, 0, use, place, 0, 0);
      return;
    }
    this.#sender.send(command, request.flags, use, place, request.sector, request.count);
    if (command === NbdCommand.Write) {
      this.#sender.sendData(request.buffer, request.bufferOffset, request.count * SECTOR_SIZE);
    }
  }

  /** Says goodbye; resolves when the connection is closed. */
  leave(clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(CLOSE_TIMEOUT, () => this.#wire.destroy());
      this.#wire.socket.once('close', () => {
        timer.cancel();
        resolve();
      });
      this.#sender.send(NbdCommand.Disconnect, 0, 0, 0, 0, 0);
      this.#sender.unplug();
      this.#wire.socket.end();
    });
  }

  /** Closes at once and says nothing more, to nobody. */
  abandon(): void {
    this.#user = null;
    this.#parser.close();
    this.#sender.close();
    this.#wire.destroy();
  }

  window(): Uint8Array | null {
    return this.#reader.window();
  }

  receivedInWindow(bytes: number): void {
    this.#reader.receivedInWindow(bytes);
  }

  receive(buffer: Buffer, bytes: number): void {
    this.#reader.receive(buffer, bytes);
  }

  closed(reason: string): void {
    this.#user?.broken(this, reason, true);
  }

  find(place: number, use: number): Request | null {
    const request = this.#user!.table.find(place, use);
    return request?.connection === this ? request : null;
  }

  answered(request: Request): void {
    this.inflight--;
    this.#user!.answered(request);
  }

  said(request: Request, words: string): void {
    if (this.#words === MOST_WORDS) return;
    const more = ++this.#words === MOST_WORDS ? ' (the last that is told of this connection)' : '';
    this.#user!.log(`request at sector ${request.sector} failed: ${words}${more}`);
  }

  violated(reason: string): void {
    this.#user?.broken(this, reason, false);
  }
}
