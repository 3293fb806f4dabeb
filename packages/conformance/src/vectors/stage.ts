import {
  BioOp,
  createEngine,
  type Engine,
  fail,
  type PluginType,
  type Port,
  SECTOR_SIZE,
} from '@interposer/core';
import { Patience } from '../patience.ts';
import { memoryDriver } from '../tools/disk-driver.ts';
import type { MemoryDisk } from '../tools/memory-disk.ts';
import { VirtualClock } from '../tools/virtual-clock.ts';
import { DISK_LETTERS } from './case.ts';
import { stampedSectors } from './content.ts';

/** Milliseconds that nothing takes, not even of virtual time. */
const LIMIT = 20_000;

/** An engine with the disks of a case, by the names that the steps use. */
export class Stage {
  readonly engine: Engine;
  readonly #clock = new VirtualClock();
  readonly #patience = new Patience(this.#clock, LIMIT);
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #flushes = new Map<string, number>();

  constructor(types: readonly PluginType[], disks: readonly number[]) {
    const driver = memoryDriver();
    for (const [index, sectors] of disks.entries()) {
      const letter = DISK_LETTERS[index]!;
      const disk = driver.add(letter, { sectors, limits: { volatileCache: true } });
      disk.data.set(stampedSectors(letter, 0, sectors));
      this.#disks.set(letter, disk);
    }
    // Files of the machine that plays are no devices of a case.
    const others = types.filter(({ kind }) => kind !== 'driver');
    this.engine = createEngine({ types: [...others, driver], clock: this.#clock });
  }

  /** What names a device to the engine. */
  spec(name: string): string {
    return this.#disks.has(name) ? `memory:${name}` : `/dev/mapper/${name}`;
  }

  disk(name: string): MemoryDisk {
    const disk = this.#disks.get(name);
    if (disk === undefined) throw fail('ENOENT', `the case has no disk "${name}"`);
    return disk;
  }

  /** Whether a flush has reached a disk since this was asked last. */
  flushed(name: string): boolean {
    const count = this.disk(name).arrived[BioOp.Flush]!;
    const before = this.#flushes.get(name) ?? 0;
    this.#flushes.set(name, count);
    return count > before;
  }

  /** The result of something that may take virtual time. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.#patience.wait(promise, () => 'a step of a recorded case');
  }

  /** Lets virtual time pass. */
  pass(milliseconds: number): Promise<void> {
    return this.#patience.pass(milliseconds);
  }

  /** What `use` does with a device that is open for writing if it can be. */
  async withPort<T>(name: string, use: (port: Port) => Promise<T>): Promise<T> {
    if (!this.#isThere(name)) throw fail('ENXIO', `there is no device ${name}`);
    const port = await this.#open(this.spec(name));
    try {
      return await this.wait(use(port));
    } finally {
      port.close();
    }
  }

  /** As BLKZEROOUT: what cannot make zeroes is written to. */
  async zeroOut(port: Port, sector: number, count: number): Promise<void> {
    await port.writeZeroes(sector, count).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 'ENOTSUP') throw error;
      return port.write(sector, new Uint8Array(count * SECTOR_SIZE));
    });
  }

  /** Device numbers as the names of the case. */
  named(text: string): string {
    const names = new Map(this.engine.devices().map(({ number, name }) => [number, nameOf(name)]));
    return text.replaceAll(/\b\d+:\d+\b/g, (number) => {
      const name = names.get(number);
      return name === undefined ? number : `{${name}}`;
    });
  }

  close(): Promise<void> {
    return this.wait(this.engine.close());
  }

  #isThere(name: string): boolean {
    return this.#disks.has(name) || this.engine.devices().some((device) => device.name === name);
  }

  async #open(spec: string): Promise<Port> {
    try {
      return await this.engine.open(spec, { claim: 'noexcl', mode: 'write' });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EROFS') throw error;
      return this.engine.open(spec, { claim: 'noexcl', mode: 'read' });
    }
  }
}

function nameOf(device: string): string {
  return device.replace(/^memory:/, '');
}
