import {
  type Bio,
  BioFlag,
  BioOp,
  bioPool,
  opSet,
  type OpSet,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import type { FrontendClient } from './plugs.ts';

/** A request of a case; the data window begins `offset` bytes into the buffer. */
export interface Request {
  readonly op: BioOp;
  readonly sector: number;
  readonly count: number;
  readonly buffer?: Uint8Array;
  readonly offset?: number;
  readonly flags?: number;
}

/** What the cases send their requests to: a port, or the client of a frontend. */
export interface Disk {
  /** Size in sectors. */
  readonly sectors: number;
  /** Smallest request in sectors. */
  readonly block: number;
  /** Operations that should succeed. */
  readonly ops: OpSet;
  /** Whether the exact status of a failure comes through; else any failure is as good. */
  readonly exact: boolean;
  io(request: Request): Promise<Status>;
}

/** Sends requests as bios and checks what core promises of each: it ends once, and comes back as it was sent. */
export class PortDisk implements Disk {
  readonly exact = true;
  /** Broken promises so far. */
  readonly problems: string[] = [];
  readonly #port: Port;

  constructor(port: Port) {
    this.#port = port;
  }

  get sectors(): number {
    return this.#port.device.limits.sectors;
  }

  get block(): number {
    return this.#port.device.limits.logicalBlock / SECTOR_SIZE;
  }

  get ops(): OpSet {
    return this.#port.device.limits.ops;
  }

  io(request: Request): Promise<Status> {
    return new Promise((resolve) => {
      this.start(request, resolve);
    });
  }

  /** As `io`, but calls back inside the bio's `end`. */
  start(request: Request, ended: (status: Status) => void): void {
    const bio = bioPool.get();
    bio.op = request.op;
    bio.flags = request.flags ?? 0;
    bio.sector = request.sector;
    bio.count = request.count;
    if (request.buffer !== undefined) bio.buffer = request.buffer;
    bio.bufferOffset = request.offset ?? 0;
    let ends = 0;
    bio.end = (done) => {
      const { status } = done;
      if (++ends > 1) {
        this.problems.push(`${done.toString()} ended ${String(ends)} times`);
        return;
      }
      this.#compare(done, request);
      bioPool.put(done);
      ended(status);
    };
    this.#port.submit(bio);
  }

  #compare(bio: Bio, request: Request): void {
    const same =
      bio.op === request.op &&
      Object.is(bio.sector, request.sector) &&
      Object.is(bio.count, request.count) &&
      bio.bufferOffset === (request.offset ?? 0) &&
      (request.buffer === undefined || bio.buffer === request.buffer);
    if (!same) this.problems.push(`a bio came back changed: ${bio.toString()}`);
    if (bio.depth !== 0) this.problems.push(`${bio.toString()} ended with ${String(bio.depth)} frames on it`);
    if (bio.status < 0) this.problems.push(`${bio.toString()} ended with status ${String(bio.status)}`);
  }
}

/** Sends requests through the client of a frontend. */
export class ClientDisk implements Disk {
  readonly exact = false;
  readonly ops: OpSet;
  readonly #client: FrontendClient;
  readonly #port: Port;

  constructor(client: FrontendClient, port: Port) {
    this.#client = client;
    this.#port = port;
    this.ops =
      opSet(BioOp.Read, BioOp.Write, BioOp.Flush) |
      (client.discard === undefined ? 0 : opSet(BioOp.Discard)) |
      (client.writeZeroes === undefined ? 0 : opSet(BioOp.WriteZeroes));
  }

  get sectors(): number {
    return this.#port.device.limits.sectors;
  }

  get block(): number {
    return this.#port.device.limits.logicalBlock / SECTOR_SIZE;
  }

  async io(request: Request): Promise<Status> {
    const { op, buffer, offset = 0, count } = request;
    try {
      const data = await this.#send(request);
      if (op === BioOp.Read && data?.length !== count * SECTOR_SIZE)
        throw new Error(`a read of ${String(count)} sectors answered ${String(data?.length)} bytes`);
      if (data !== undefined) buffer?.set(data, offset);
      return Status.Ok;
    } catch {
      if (op === BioOp.Read) buffer?.fill(0, offset, offset + count * SECTOR_SIZE);
      return Status.Io;
    }
  }

  async #send({
    op,
    sector,
    count,
    buffer,
    offset = 0,
    flags = 0,
  }: Request): Promise<Uint8Array | undefined> {
    const client = this.#client;
    const at = sector * SECTOR_SIZE;
    const bytes = count * SECTOR_SIZE;
    switch (op) {
      case BioOp.Read:
        return client.read(at, bytes);
      case BioOp.Write:
        await client.write(at, buffer!.subarray(offset, offset + bytes), {
          fua: (flags & BioFlag.Fua) !== 0,
        });
        return undefined;
      case BioOp.Flush:
        await client.flush();
        return undefined;
      case BioOp.Discard:
        await client.discard!(at, bytes);
        return undefined;
      case BioOp.WriteZeroes:
        await client.writeZeroes!(at, bytes);
        return undefined;
    }
  }
}
