import {
  type Bio,
  BioOp,
  createEngine,
  defineTarget,
  type Engine,
  type EngineEvent,
  MapResult,
  opSet,
  type Port,
  SECTOR_SIZE,
  type TargetType,
} from '@interposer/core';
import { file } from '@interposer/device-file';
import { ram } from '@interposer/device-ram';
import { error, errorFilter } from '@interposer/target-error';
import { linear } from '@interposer/target-linear';
import { snapshot, snapshotMerge, snapshotOrigin } from '@interposer/target-snapshot';
import { expect } from 'vitest';
import { later } from '../../../tools/temporary.ts';

/** Of the disks of a world. */
export const SECTORS = 256;

/** Holds back the writes to all disks of the target `held`. */
export class Hold {
  readonly type: TargetType;
  /** Writes fail. */
  failing = false;
  #closed = false;
  #bios: Bio[] = [];

  constructor() {
    this.type = defineTarget({
      name: 'held',
      version: [1, 0, 0],
      ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush),
      params: [{ name: 'device', kind: 'device', about: 'the disk' }],
      create: async ({ sectors }, { device }) => ({
        areas: () => [{ port: device, start: 0, count: sectors }],
        map: (bio) => {
          bio.port = device;
          if (this.failing && bio.op === BioOp.Write) return MapResult.Kill;
          if (!this.#closed || bio.op !== BioOp.Write) return MapResult.Remapped;
          this.#bios.push(bio);
          return MapResult.Submitted;
        },
        table: () => device.device.number,
      }),
    });
  }

  /** How many writes wait. */
  get waiting(): number {
    return this.#bios.length;
  }

  close(): void {
    this.#closed = true;
  }

  /** Lets the writes go that wait, and those that come. */
  open(): void {
    this.#closed = false;
    for (const bio of this.#bios.splice(0)) bio.port!.forward(bio);
  }
}

/** An engine with disks in memory, of which a client has each open for as long as the test takes. */
export class World {
  readonly engine: Engine;
  readonly hold = new Hold();
  readonly events: EngineEvent[] = [];
  readonly #ports = new Map<string, Port>();
  #closed = false;

  constructor() {
    const types = [ram, file, linear, error, errorFilter, snapshot, snapshotMerge, snapshotOrigin];
    this.engine = createEngine({ types: [...types, this.hold.type], drainTimeout: 300 });
    this.engine.onEvent((event) => this.events.push(event));
    later(() => this.close());
  }

  /** At the end of the test, or before: as a restart does. */
  async close(): Promise<void> {
    this.hold.open();
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    if (!this.#closed) await this.engine.close();
    this.#closed = true;
  }

  /** A disk whose sectors bear their numbers from 1 on. */
  async disk(name: string, row = 'linear ram:1M 0'): Promise<Port> {
    await this.engine.create(name, { table: `0 ${String(SECTORS)} ${row}` });
    const port = await this.engine.open(name, { holder: 'client' });
    this.#ports.set(name, port);
    await port.write(0, sectorsOf(Array.from({ length: SECTORS }, (_, sector) => sector + 1)));
    return port;
  }

  /** An empty disk for a store, that stays when nobody uses it. */
  async store(name: string, sectors = 512): Promise<string> {
    await this.engine.create(name, { table: `0 ${String(sectors)} linear ram:1M 0` });
    return name;
  }

  async write(name: string, sector: number, ...numbers: number[]): Promise<void> {
    await this.engine.write(name, sector, sectorsOf(numbers));
  }

  async numbers(name: string, sector: number, count = 1): Promise<number[]> {
    return numbersIn(await this.engine.read(name, sector, count));
  }

  /** Names of all mapped devices, and what stands in for others. */
  async shape(): Promise<{ names: string[]; remaps: unknown[] }> {
    const names = (await this.engine.list()).map(({ name }) => name);
    return { names, remaps: await this.engine.remaps() };
  }

  /** No device is fenced. */
  expectNoFault(): void {
    expect(this.events.filter(({ kind }) => kind === 'fault')).toEqual([]);
  }
}

/** Sectors filled with a number each. */
export function sectorsOf(numbers: readonly number[]): Buffer {
  const data = Buffer.alloc(numbers.length * SECTOR_SIZE);
  for (const [index, number] of numbers.entries()) {
    for (let at = 0; at < SECTOR_SIZE; at += 4) data.writeUInt32LE(number, index * SECTOR_SIZE + at);
  }
  return data;
}

/** The numbers that sectors are filled with; -1 for one that is filled with several. */
export function numbersIn(data: Uint8Array): number[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: data.length / SECTOR_SIZE }, (_, index) => {
    const sector = bytes.subarray(index * SECTOR_SIZE, (index + 1) * SECTOR_SIZE);
    const number = sector.readUInt32LE(0);
    for (let at = 4; at < SECTOR_SIZE; at += 4) if (sector.readUInt32LE(at) !== number) return -1;
    return number;
  });
}
