import assert from 'node:assert/strict';
import { BioOp, hasOp, MappedDevice, OP_NAMES, type Port, SECTOR_SIZE, Status } from '@interposer/core';
import { Bench } from './bench.ts';
import { type Disk, PortDisk, type Request } from './disk.ts';
import { Model } from './model.ts';
import type { Content } from './plugs.ts';
import { isFilled } from './tools/bytes.ts';

/** What a read's buffer holds before: shows through where a read leaves bytes out. */
const OLD_BYTE = 0xa5;

/** A bench with the device under test, open, and a model of what it should hold: what the cases are about. */
export class Rig extends Bench {
  /** The device under test: a mapped one by name, another by its number. */
  device = '';
  /** What it was opened as. */
  spec = '';
  content: Content = 'kept';
  /** First sector that is the subject's; those before it belong to a row of the kit's own. */
  first = 0;
  /** Whether the plug tells where each sector lies on the disks right below. */
  knowsPlaces = false;
  #port: Port | null = null;
  #disk: Disk | null = null;
  #model: Model | null = null;

  get port(): Port {
    assert(this.#port !== null, 'the device under test is not open');
    return this.#port;
  }

  get disk(): Disk {
    assert(this.#disk !== null, 'the device under test is not open');
    return this.#disk;
  }

  get model(): Model {
    assert(this.#model !== null, 'the device under test is not open');
    return this.#model;
  }

  get portDisk(): PortDisk {
    assert(this.#disk instanceof PortDisk, 'this case is about bios');
    return this.#disk;
  }

  /** Opens the device under test, of which the sectors from `first` on are the subject's. */
  async open(spec: string, content: Content, first = 0): Promise<void> {
    this.spec = spec;
    this.content = content;
    this.first = first;
    const port = await this.wait(this.engine.open(spec));
    // A leaf that is not named by what it is opened as would be another one if it were opened again.
    this.device = port.device instanceof MappedDevice ? spec : port.device.number;
    this.use(port);
  }

  /** Takes a port in use; `disk` is what requests go to, the port itself by default. */
  use(port: Port, disk: Disk = new PortDisk(port)): void {
    this.#port = port;
    this.#disk = disk;
    this.#model ??= new Model(this.content, disk.sectors, this.first);
  }

  io(request: Request): Promise<Status> {
    return this.wait(this.disk.io(request));
  }

  /** Stamps and writes; the status must be the expected one. */
  async write(sector: number, count: number, flags = 0): Promise<void> {
    await this.wait(this.startWrite(sector, count, flags));
  }

  /** As `write`, for several at a time. */
  startWrite(sector: number, count: number, flags = 0): Promise<void> {
    return handled(this.#write(sector, count, flags));
  }

  async #write(sector: number, count: number, flags: number): Promise<void> {
    const buffer = new Uint8Array(count * SECTOR_SIZE);
    const sequence = this.model.stamp(buffer, 0, sector, count);
    const request = { op: BioOp.Write, sector, count, buffer, flags };
    const status = await this.disk.io(request);
    this.expectStatus(request, status);
    if (status === Status.Ok) this.model.wrote(sector, count, sequence);
    else this.model.forget(sector, count);
  }

  /** Reads and compares with the model; a failed read must leave zeroes. */
  async read(sector: number, count: number): Promise<void> {
    await this.wait(this.startRead(sector, count));
  }

  /** As `read`, for several at a time. */
  startRead(sector: number, count: number): Promise<void> {
    return handled(this.#read(sector, count));
  }

  async #read(sector: number, count: number): Promise<void> {
    const buffer = new Uint8Array(count * SECTOR_SIZE).fill(OLD_BYTE);
    const request = { op: BioOp.Read, sector, count, buffer };
    const status = await this.disk.io(request);
    this.expectStatus(request, status);
    if (status === Status.Ok) this.expectModel(buffer, 0, sector, count);
    else expectZeroes(buffer);
  }

  async flush(): Promise<void> {
    const request = { op: BioOp.Flush, sector: 0, count: 0 };
    this.expectStatus(request, await this.io(request));
  }

  async discard(sector: number, count: number): Promise<void> {
    const request = { op: BioOp.Discard, sector, count };
    const status = await this.io(request);
    this.expectStatus(request, status);
    if (status === Status.Ok) this.model.forget(sector, count);
  }

  async writeZeroes(sector: number, count: number, flags = 0): Promise<void> {
    const request = { op: BioOp.WriteZeroes, sector, count, flags };
    const status = await this.io(request);
    this.expectStatus(request, status);
    if (status === Status.Ok) this.model.zeroed(sector, count);
  }

  /** Writes all of it, in pieces of 128 sectors. */
  async fill(): Promise<void> {
    for (const [sector, count] of this.pieces(128)) await this.write(sector, count);
  }

  /** Reads all of it and compares. */
  async checkAll(): Promise<void> {
    for (const [sector, count] of this.pieces(128)) await this.read(sector, count);
  }

  /** The whole device in pieces of at most so many sectors. */
  *pieces(size: number): Generator<[sector: number, count: number]> {
    const { sectors } = this.disk;
    for (let sector = 0; sector < sectors; sector += size) yield [sector, Math.min(size, sectors - sector)];
  }

  /** A random range inside the device, of whole blocks. */
  range(longest = 64): [sector: number, count: number] {
    const { block, sectors } = this.disk;
    const blocks = sectors / block;
    const count = this.random.between(1, Math.min(blocks, Math.max(1, Math.floor(longest / block))));
    return [this.random.below(blocks - count + 1) * block, count * block];
  }

  /** Throws unless the status is what the subject's declarations and contents call for. */
  expectStatus(request: Request, status: Status): void {
    const { op, sector, count } = request;
    const { disk } = this;
    let expected: Status = Status.Ok;
    if (!hasOp(disk.ops, op)) expected = Status.NotSup;
    else if (op !== BioOp.Flush && this.model.fails(sector, count)) expected = Status.Io;
    // A target that always fails may end flushes as it likes: there is nothing to make stable.
    if (op === BioOp.Flush && this.content === 'error') return;
    const same = disk.exact ? status === expected : (status === Status.Ok) === (expected === Status.Ok);
    const what = `${OP_NAMES[op] ?? ''} ${String(sector)}+${String(count)}`;
    assert(same, `${what} ended with status ${String(status)}, expected ${String(expected)}`);
  }

  expectModel(buffer: Uint8Array, offset: number, sector: number, count: number): void {
    const problem = this.model.check(buffer, offset, sector, count);
    assert(problem === undefined, problem);
  }

  /** The end of a case that went well: nothing may be left. */
  async finish(): Promise<void> {
    if (this.#disk instanceof PortDisk) assert.deepEqual(this.#disk.problems, []);
    await this.takeDown(this.#port);
  }

  /** The end of a case that failed. */
  async giveUp(): Promise<void> {
    await this.abandon(this.#port);
  }
}

/** A case that fails elsewhere may never look at it again; that must not end the process. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Throws unless all bytes are zero: no old bytes, and no part of the new. */
export function expectZeroes(buffer: Uint8Array): void {
  assert(isFilled(buffer, 0), 'a failed read left bytes in its buffer');
}
