import {
  type Bio,
  BioFlag,
  BioOp,
  type Clock,
  type Driver,
  type Extent,
  fail,
  hasOp,
  type Limits,
  MapResult,
  plug,
  SECTOR_SIZE,
  Status,
  unplug,
} from '@interposer/core';
import { CommandFlag, NbdCommand, TransmissionFlag } from '@interposer/nbd-protocol';
import type { Connection, ConnectionUser } from './connection.ts';
import type { RemoteExport } from './handshake.ts';
import { Recovery, type RecoveryOptions } from './recovery.ts';
import { remoteExtents } from './remote-extents.ts';
import { RequestTable } from './request-table.ts';
import type { Request, Task } from './request.ts';
import { differenceOf } from './same-export.ts';
import { Stability } from './stability.ts';

const COMMANDS: readonly number[] = [
  NbdCommand.Read,
  NbdCommand.Write,
  NbdCommand.Flush,
  NbdCommand.Trim,
  NbdCommand.WriteZeroes,
];

/** What a remote device is made of. */
export interface RemoteOptions {
  readonly connections: readonly Connection[];
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** Called once when the device is gone. */
  readonly lost: (reason: string) => void;
  /** How to get connections back; absent: the device is gone when one breaks. */
  readonly reconnect?: {
    /** Milliseconds. */
    readonly limit: number;
    readonly open: RecoveryOptions['open'];
  };
}

/**
 * The driver on established connections. They live and die together: if one breaks, the server behind all of them is in
 * doubt, and a flush on a new one would say nothing of what was answered on an old one. With `reconnect`, requests wait
 * meanwhile; then what no flush covered is written again, and after it what was not answered is sent again in its order.
 */
export class RemoteDevice implements Driver, ConnectionUser {
  readonly limits: Limits;
  readonly table: RequestTable = new RequestTable();
  readonly log: (message: string) => void;
  readonly #options: RemoteOptions;
  readonly #remote: RemoteExport;
  readonly #hasFua: boolean;
  readonly #recovery: Recovery | null;
  /** What a flush has to answer for across a break; null: a break is the end. */
  readonly #stability: Stability | null;
  #connections: readonly Connection[];
  /** Whether requests are sent when they come; otherwise they wait. */
  #ready = true;
  #gone = false;
  #leaving = false;

  constructor(options: RemoteOptions) {
    const { connections, limits, log, reconnect, clock } = options;
    this.#options = options;
    this.limits = limits;
    this.log = log;
    this.#connections = connections;
    this.#remote = connections[0]!.remote;
    this.#hasFua = (this.#remote.flags & TransmissionFlag.SendFua) !== 0;
    this.#stability = reconnect && hasOp(limits.ops, BioOp.Flush) ? new Stability(this) : null;
    this.#recovery =
      reconnect === undefined
        ? null
        : new Recovery({
            clock,
            ...reconnect,
            difference: (found) => this.#differenceOf(found),
            restored: (found) => this.#restored(found),
            failed: (reason) => this.#lose(reason),
          });
    for (const connection of connections) connection.use(this);
  }

  submit(bio: Bio): MapResult {
    const fua = (bio.flags & BioFlag.Fua) !== 0;
    if (this.#gone || (fua && !this.#hasFua && !hasOp(this.limits.ops, BioOp.Flush))) {
      bio.complete(this.#gone ? Status.NoDev : Status.NotSup);
      return MapResult.Submitted;
    }
    const request = this.table.take();
    request.bio = bio;
    request.command = COMMANDS[bio.op]!;
    request.flags = fua && this.#hasFua ? CommandFlag.Fua : 0;
    if ((bio.flags & BioFlag.NoUnmap) !== 0) request.flags |= CommandFlag.NoHole;
    request.sector = bio.op === BioOp.Flush ? 0 : bio.sector;
    request.count = bio.count;
    request.buffer = bio.buffer;
    request.bufferOffset = bio.bufferOffset;
    if (this.#ready) this.#send(request);
    return MapResult.Submitted;
  }

  /** Asks with BLOCK_STATUS where the server can tell. ENODEV when the device is gone. */
  async extents(sector: number, count: number): Promise<Extent[]> {
    if (this.#gone) throw fail('ENODEV', 'the NBD server is gone');
    return remoteExtents(this, this.#remote, {
      sector,
      count,
      block: this.limits.logicalBlock / SECTOR_SIZE,
    });
  }

  /** Says goodbye. What was written is as stable as the last flush made it. */
  async close(): Promise<void> {
    this.#leaving = true;
    this.#recovery?.cancel();
    await Promise.all(this.#connections.map((connection) => connection.leave(this.#options.clock)));
    this.#gone = true;
    // Nobody waits with a bio any more; a question about extents may still wait for a connection.
    for (const request of this.table.active()) this.#end(request, Status.NoDev);
  }

  /** Sends a request of the device's own, or lets it wait. */
  start(task: Task, fill: (request: Request) => void): void {
    if (this.#gone) {
      task.done(Status.NoDev);
      return;
    }
    const request = this.table.take();
    request.task = task;
    request.flags = 0;
    request.sector = request.count = 0;
    fill(request);
    // One that does not survive a break belongs to the connections that are there.
    if (this.#ready || !task.survives) this.#send(request);
  }

  answered(request: Request): void {
    this.#recovery?.prove();
    const { bio, status } = request;
    if (status === Status.Shutdown && this.#recovery !== null && !this.#leaving) {
      this.broken(request.connection!, 'the server is shutting down', true);
      return;
    }
    if (status === Status.Ok && this.#wantsFlush(request)) {
      request.flushing = true;
      request.connection!.send(request);
      return;
    }
    if (status === Status.Ok && bio !== null) this.#stability?.answered(request);
    this.#end(request, status);
  }

  broken(connection: Connection, reason: string, honest: boolean): void {
    if (this.#gone || !this.#connections.includes(connection)) return;
    if (this.#leaving && this.table.active().length === 0) return;
    for (const one of this.#connections) one.abandon();
    this.#connections = [];
    this.#ready = false;
    for (const request of this.table.active()) {
      request.rewind();
      if (request.task?.survives === false) this.table.release(request);
    }
    this.#stability?.broken();
    if (this.#recovery === null || !honest || this.#leaving) {
      this.#lose(reason);
      return;
    }
    this.log(`the connection broke: ${reason}; trying to get it back`);
    this.#recovery.start(reason);
  }

  #send(request: Request): void {
    const connection = this.#leastLoaded();
    const isFlush = request.command === NbdCommand.Flush;
    const isStatus = request.command === NbdCommand.BlockStatus;
    if (isFlush && this.#stability?.admit(request) === false) this.#end(request, Status.Io);
    else if (isStatus && connection.remote.allocation === undefined) this.#end(request, Status.NotSup);
    else connection.send(request);
  }

  #leastLoaded(): Connection {
    let least = this.#connections[0]!;
    for (let i = 1; i < this.#connections.length; i++) {
      if (this.#connections[i]!.inflight < least.inflight) least = this.#connections[i]!;
    }
    return least;
  }

  /** A change that must be stable, to a server without FUA: the answer is that of a flush behind it. */
  #wantsFlush({ bio, command, flushing }: Request): boolean {
    if (this.#hasFua || flushing || command === NbdCommand.Read || command === NbdCommand.Flush) return false;
    return bio !== null && (bio.flags & BioFlag.Fua) !== 0;
  }

  #differenceOf(connections: readonly Connection[]): string | undefined {
    const differences = connections.map(({ remote }) => differenceOf(this.#remote, remote, this.limits));
    return differences.find((difference) => difference !== undefined);
  }

  #restored(connections: readonly Connection[]): void {
    this.#connections = connections;
    for (const connection of connections) {
      connection.use(this);
      // Something that came with the end of the handshake may have been the end of it all.
      if (this.#connections !== connections) return;
    }
    if (this.#stability === null) this.#resume();
    else this.#stability.repeat(() => this.#resume());
  }

  /** What was not answered is sent again, and what came meanwhile for the first time. */
  #resume(): void {
    const waiting = this.table.active();
    this.log(`connected again; ${waiting.length} requests go on`);
    this.#ready = true;
    plug();
    const flushesFail = this.#stability?.mustFail(waiting) === true;
    for (const request of waiting) {
      if (flushesFail && request.command === NbdCommand.Flush) this.#end(request, Status.Io);
      else if (request.isActive && request.connection === null) this.#send(request);
    }
    unplug();
  }

  #lose(reason: string): void {
    this.#gone = true;
    if (!this.#leaving) this.#options.lost(`the NBD connection broke: ${reason}`);
    for (const request of this.table.active()) this.#end(request, Status.Io);
  }

  #end(request: Request, status: Status): void {
    const { bio, task, extents } = request;
    this.table.release(request);
    if (bio === null) task!.done(status, extents);
    else bio.complete(status);
  }
}
