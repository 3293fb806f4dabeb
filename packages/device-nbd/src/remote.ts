import {
  type Bio,
  BioFlag,
  BioOp,
  type Clock,
  type Driver,
  hasOp,
  type Limits,
  MapResult,
  plug,
  SECTOR_SIZE,
  Status,
  unplug,
} from '@interposer/core';
import {
  CommandFlag,
  NbdCommand,
  NbdError,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  SimpleReplyField,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import type { Socket } from 'node:net';
import { RequestSender } from './sender.ts';

const COMMANDS: readonly number[] = [
  NbdCommand.Read,
  NbdCommand.Write,
  NbdCommand.Flush,
  NbdCommand.Trim,
  NbdCommand.WriteZeroes,
];

const STATUSES: Readonly<Partial<Record<number, Status>>> = {
  [NbdError.None]: Status.Ok,
  [NbdError.Perm]: Status.Perm,
  [NbdError.NoMem]: Status.NoMem,
  [NbdError.Inval]: Status.Inval,
  [NbdError.NoSpc]: Status.NoSpc,
  [NbdError.NotSup]: Status.NotSup,
  [NbdError.Shutdown]: Status.Shutdown,
};

/** From this size on read data go from the socket to where they belong, without a copy. */
const SMALLEST_DIRECT = 64 * 1024;

/** Milliseconds that the server has to close after it was told that we leave. */
const CLOSE_TIMEOUT = 5_000;

/** What a remote device is made of. */
export interface RemoteOptions {
  readonly socket: Socket;
  readonly limits: Limits;
  /** Transmission flags. */
  readonly flags: number;
  readonly clock: Clock;
  /** Called once when the connection breaks. */
  readonly lost: (reason: string) => void;
}

/** The driver on an established connection: many requests at a time, answered in any order. */
export class RemoteDevice implements Driver {
  readonly limits: Limits;
  readonly #socket: Socket;
  readonly #sender: RequestSender;
  readonly #clock: Clock;
  readonly #lost: (reason: string) => void;
  readonly #hasFua: boolean;
  /** Bios by the low half of their cookie; the high half tells uses of one place apart. */
  readonly #bios: (Bio | null)[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  /** A reply header that came in pieces. */
  readonly #header = Buffer.alloc(SIMPLE_REPLY_BYTES);
  #headerBytes = 0;
  /** The read whose data are coming, and how many bytes of them have come. */
  #reading: Bio | null = null;
  #readingPlace = 0;
  #received = 0;
  /** Places of writes that were answered and wait for the flush behind them. */
  readonly #flushing = new Set<number>();
  #alive = true;
  #leaving = false;

  constructor({ socket, limits, flags, clock, lost }: RemoteOptions) {
    this.limits = limits;
    this.#socket = socket;
    this.#sender = new RequestSender(socket);
    this.#clock = clock;
    this.#lost = lost;
    this.#hasFua = (flags & TransmissionFlag.SendFua) !== 0;
  }

  submit(bio: Bio): MapResult {
    if (!this.#alive) {
      bio.complete(Status.NoDev);
      return MapResult.Submitted;
    }
    const fua = (bio.flags & BioFlag.Fua) !== 0;
    if (fua && !this.#hasFua && !hasOp(this.limits.ops, BioOp.Flush)) {
      bio.complete(Status.NotSup);
      return MapResult.Submitted;
    }
    const place = this.#free.pop() ?? this.#uses.push(0) - 1;
    this.#bios[place] = bio;
    let flags = fua && this.#hasFua ? CommandFlag.Fua : 0;
    if ((bio.flags & BioFlag.NoUnmap) !== 0) flags |= CommandFlag.NoHole;
    this.#send(place, COMMANDS[bio.op]!, flags, bio);
    return MapResult.Submitted;
  }

  /** Says goodbye. What was written is as stable as the last flush made it. */
  close(): Promise<void> {
    this.#leaving = true;
    if (!this.#alive) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(CLOSE_TIMEOUT, () => this.#socket.destroy());
      this.#socket.once('close', () => {
        timer.cancel();
        resolve();
      });
      this.#sender.send(NbdCommand.Disconnect, 0, 0, 0, 0, 0);
      this.#sender.unplug();
      this.#socket.end();
    });
  }

  /** The connection is gone: what is pending fails, and so does all that comes. */
  disconnected(reason: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#socket.destroy();
    if (!this.#leaving) this.#lost(`the NBD connection broke: ${reason}`);
    this.#reading = null;
    for (const [place, bio] of this.#bios.entries()) {
      this.#bios[place] = null;
      bio?.complete(Status.Io);
    }
  }

  /** Where the next bytes from the socket should go, or null for anywhere. */
  window(): Uint8Array | null {
    const bio = this.#reading;
    if (bio === null) return null;
    const bytes = bio.count * SECTOR_SIZE - this.#received;
    if (bytes < SMALLEST_DIRECT) return null;
    const start = bio.bufferOffset + this.#received;
    return bio.buffer.subarray(start, start + bytes);
  }

  /** Bytes came into the window. */
  receivedInWindow(bytes: number): void {
    this.#received += bytes;
    plug();
    this.#finishRead(this.#reading!);
    unplug();
  }

  /** Takes bytes from the server. */
  receive(buffer: Buffer, bytes: number): void {
    plug();
    let at = 0;
    while (at < bytes && this.#alive) {
      if (this.#reading !== null) at = this.#receiveData(this.#reading, buffer, at, bytes);
      else if (this.#headerBytes === 0 && bytes - at >= SIMPLE_REPLY_BYTES) {
        this.#takeReply(buffer, at);
        at += SIMPLE_REPLY_BYTES;
      } else at = this.#gatherHeader(buffer, at, bytes);
    }
    unplug();
  }

  #send(place: number, command: number, flags: number, bio: Bio): void {
    const use = (this.#uses[place]! + 1) % 2 ** 32;
    this.#uses[place] = use;
    if (command === NbdCommand.Flush) {
      this.#sender.send(command, 0, use, place, 0, 0);
      return;
    }
    this.#sender.send(command, flags, use, place, bio.sector, bio.count);
    if (command === NbdCommand.Write) {
      this.#sender.sendData(bio.buffer, bio.bufferOffset, bio.count * SECTOR_SIZE);
    }
  }

  #gatherHeader(buffer: Buffer, start: number, end: number): number {
    const bytes = Math.min(SIMPLE_REPLY_BYTES - this.#headerBytes, end - start);
    buffer.copy(this.#header, this.#headerBytes, start, start + bytes);
    this.#headerBytes += bytes;
    if (this.#headerBytes === SIMPLE_REPLY_BYTES) {
      this.#headerBytes = 0;
      this.#takeReply(this.#header, 0);
    }
    return start + bytes;
  }

  #takeReply(buffer: Buffer, at: number): void {
    const use = buffer.readUInt32BE(at + SimpleReplyField.Cookie);
    const place = buffer.readUInt32BE(at + SimpleReplyField.Cookie + 4);
    const bio = this.#bios[place] ?? null;
    const known = bio !== null && this.#uses[place] === use;
    if (!known || buffer.readUInt32BE(at + SimpleReplyField.Magic) !== SIMPLE_REPLY_MAGIC) {
      this.disconnected('the server sent what is no reply to any request');
      return;
    }
    const error = buffer.readUInt32BE(at + SimpleReplyField.Error);
    if (error === NbdError.None && bio.op === BioOp.Read) {
      this.#reading = bio;
      this.#received = 0;
      this.#readingPlace = place;
      return;
    }
    // A write that must be stable, to a server without FUA: the answer is that of a flush behind it.
    const stable = (bio.flags & BioFlag.Fua) === 0 || this.#hasFua || this.#flushing.has(place);
    if (error === NbdError.None && !stable) {
      this.#flushing.add(place);
      this.#send(place, NbdCommand.Flush, 0, bio);
      return;
    }
    this.#flushing.delete(place);
    this.#end(place, bio, STATUSES[error] ?? Status.Io);
  }

  #receiveData(bio: Bio, buffer: Buffer, start: number, end: number): number {
    const bytes = Math.min(bio.count * SECTOR_SIZE - this.#received, end - start);
    buffer.copy(bio.buffer, bio.bufferOffset + this.#received, start, start + bytes);
    this.#received += bytes;
    this.#finishRead(bio);
    return start + bytes;
  }

  #finishRead(bio: Bio): void {
    if (this.#received < bio.count * SECTOR_SIZE) return;
    this.#reading = null;
    this.#end(this.#readingPlace, bio, Status.Ok);
  }

  #end(place: number, bio: Bio, status: Status): void {
    this.#bios[place] = null;
    this.#free.push(place);
    bio.complete(status);
  }
}
