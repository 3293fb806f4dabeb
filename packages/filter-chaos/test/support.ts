import { type ChaosDisk, chaosDriver, type ChaosOptions, VirtualClock } from '@interposer/conformance';
import {
  type Bio,
  BioOp,
  bioPool,
  createEngine,
  type Engine,
  type EngineEvent,
  type FilterType,
  type Port,
  SECTOR_SIZE,
} from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { chaos } from '../src/index.ts';

/** What a bio is to be. */
export interface Asked {
  readonly op: BioOp;
  readonly sector?: number;
  readonly count?: number;
  readonly flags?: number;
  readonly buffer?: Uint8Array;
  readonly offset?: number;
}

/** What became of it. */
export interface Ended {
  readonly status: number;
  readonly at: number;
  readonly buffer: Uint8Array;
}

export const SECTORS = 1024;

/** A disk in memory that answers at once, with a chaos filter over it, on a clock that stands still until it is moved. */
export class Setup {
  readonly clock: VirtualClock = new VirtualClock();
  readonly disk: ChaosDisk;
  readonly engine: Engine;
  readonly events: EngineEvent[] = [];
  readonly #type: FilterType;
  port!: Port;

  constructor(options: Partial<ChaosOptions> = {}, type: FilterType = chaos) {
    const disks = chaosDriver();
    this.#type = type;
    this.disk = disks.add('a', { sectors: SECTORS, ...options });
    this.engine = createEngine({ types: [disks, ram, type], clock: this.clock });
    this.engine.onEvent((event) => this.events.push(event));
  }

  /** Attaches the filter with these words. The disk has a stamp of version 0 in each sector. */
  async start(words = ''): Promise<this> {
    this.disk.data.set(stamps(0, this.disk.limits.sectors, 0));
    this.port = await this.engine.open('chaos:a', { claim: 'noexcl' });
    await this.engine.attachFilter(this.name, `${this.#type.name} ${words}`);
    return this;
  }

  async stop(): Promise<void> {
    await this.message('resume').catch(() => undefined);
    this.port.close();
    await this.engine.close();
    if (bioPool.outstanding !== 0) throw new Error(`${bioPool.outstanding} bios are missing in the pool`);
  }

  get name(): string {
    return this.port.device.number;
  }

  /** Sends a bio; resolves when it has ended. */
  send({
    op,
    sector = 0,
    count = op === BioOp.Flush ? 0 : 1,
    flags = 0,
    buffer,
    offset = 0,
  }: Asked): Promise<Ended> {
    return new Promise((resolve) => {
      const bio = bioPool.get();
      const data = buffer ?? new Uint8Array(count * SECTOR_SIZE);
      Object.assign(bio, { op, sector, count, flags, buffer: data, bufferOffset: offset });
      bio.end = (done: Bio): void => {
        const same = done.op === op && done.sector === sector && done.count === count && done.buffer === data;
        const { status } = done;
        bioPool.put(done);
        if (!same) throw new Error('a bio came back otherwise than it was sent');
        resolve({ status, at: this.clock.now(), buffer: data });
      };
      this.port.submit(bio);
    });
  }

  /** The status of a read. */
  async read(sector = 0, count = 1): Promise<number> {
    return (await this.send({ op: BioOp.Read, sector, count })).status;
  }

  /** Writes stamps of a version, and answers the status. */
  async write(sector: number, count: number, version: number, flags = 0): Promise<number> {
    const buffer = stamps(sector, count, version);
    const before = Buffer.from(buffer);
    const { status } = await this.send({ op: BioOp.Write, sector, count, flags, buffer });
    if (!before.equals(buffer)) throw new Error('the data of a writer was changed');
    return status;
  }

  /** The versions of the stamps of sectors on the disk; what is no stamp of its sector is told as `?`. */
  versions(sector: number, count: number): string {
    return versionsIn(this.disk.data, sector * SECTOR_SIZE, sector, count);
  }

  /** The same as a reader sees them. */
  async seen(sector: number, count: number): Promise<string> {
    const { buffer } = await this.send({ op: BioOp.Read, sector, count });
    return versionsIn(buffer, 0, sector, count);
  }

  /** The status of each of so many reads: `.` for a good one. */
  async reads(times: number, sector = 0, count = 1): Promise<string> {
    const statuses: number[] = [];
    for (let i = 0; i < times; i++) statuses.push(await this.read(sector, count));
    return statuses.map((status) => (status === 0 ? '.' : 'x')).join('');
  }

  message(text: string): Promise<string> {
    return this.engine.messageFilter(this.name, this.#type.name, text.split(' '));
  }

  async status(): Promise<string> {
    return (await this.engine.filters(this.name))[0]!.status;
  }

  async args(): Promise<string> {
    return (await this.engine.filters(this.name))[0]!.args;
  }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Sectors that tell which they are and of what version: 0 is the first. */
export function stamps(sector: number, count: number, version: number): Uint8Array {
  const buffer = Buffer.alloc(count * SECTOR_SIZE, 0x5a);
  for (let i = 0; i < count; i++) {
    buffer.writeUInt32LE(sector + i + 1, i * SECTOR_SIZE);
    buffer[i * SECTOR_SIZE + 4] = version;
  }
  return buffer;
}

/**
 * A letter for each sector: `a` is version 0 of it. `!` is a stamp of another sector, `0` zeroes, `?` anything else.
 */
export function versionsIn(buffer: Uint8Array, offset: number, sector: number, count: number): string {
  const view = Buffer.from(buffer.buffer, buffer.byteOffset + offset, count * SECTOR_SIZE);
  return Array.from({ length: count }, (_, i) => {
    const own = view.subarray(i * SECTOR_SIZE, (i + 1) * SECTOR_SIZE);
    if (own.every((byte) => byte === 0)) return '0';
    const place = own.readUInt32LE(0) - 1;
    if (!own.equals(stamps(place, 1, own[4]!))) return '?';
    return place === sector + i ? LETTERS[own[4]!] : '!';
  }).join('');
}
