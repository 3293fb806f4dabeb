import { setImmediate } from 'node:timers/promises';
import { bioPool, createEngine, type Engine, type Port, SECTOR_SIZE } from '@interposer/core';
import {
  type ChaosDisk,
  type ChaosOptions,
  chaosDriver,
  passFilter,
  VirtualClock,
} from '@interposer/conformance';
import { expect } from 'vitest';
import { later } from '../../../tools/temporary.ts';
import { mirror } from '../src/index.ts';

export const SECTORS = 128;

/** A disk's options, and the letter that fills it at first. */
export interface StandDisk extends Partial<ChaosOptions> {
  readonly fill?: number;
}

/** An engine with disks that a test has in hand, and a mirror `x` over them. */
export class Stand {
  readonly clock = new VirtualClock();
  readonly engine: Engine;
  readonly log: string[] = [];
  readonly disks: Record<string, ChaosDisk> = {};
  readonly #driver = chaosDriver();
  readonly #outstanding = bioPool.outstanding;

  constructor() {
    this.engine = createEngine({
      types: [mirror, passFilter, this.#driver],
      clock: this.clock,
      drainTimeout: 1000,
    });
    this.engine.onEvent((event) => {
      if (event.kind === 'log') this.log.push(event.message);
      else if (event.kind === 'fault') expect.fail(event.message);
    });
    later(() => this.#close());
  }

  /** A disk `chaos:NAME`, of the size of a leg. */
  disk(name: string, { fill = 0, ...options }: StandDisk = {}): ChaosDisk {
    const disk = this.#driver.add(name, { sectors: SECTORS, ...options });
    disk.data.fill(fill);
    this.disks[name] = disk;
    return disk;
  }

  async create(args: string, sectors: number = SECTORS): Promise<Port> {
    await this.engine.create('x', { table: tableOf(args, sectors) });
    return this.open();
  }

  /** Another table takes the place of the one in use. */
  async reload(args: string, noflush = false): Promise<void> {
    await this.engine.load('x', tableOf(args, SECTORS));
    await this.engine.suspend('x', { noflush });
    await this.engine.resume('x');
  }

  async open(): Promise<Port> {
    const port = await this.engine.open('x', { claim: 'noexcl' });
    later(() => {
      port.close();
    });
    return port;
  }

  /** The words behind the devices: regions in sync, letters, log. */
  async status(): Promise<string> {
    const words = (await this.engine.status('x'))[0]!.params.split(' ');
    return words
      .slice(1 + Number(words[0]))
      .join(' ')
      .replace(/ \d+:\d+/, '');
  }

  async events(): Promise<number> {
    return (await this.engine.info('x')).eventNr;
  }

  /** Whatever can go on without time passing has gone on. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  }

  /** Time passes, a millisecond a turn. */
  async pass(milliseconds: number): Promise<void> {
    for (let i = 0; i < milliseconds; i++) {
      this.clock.advance(1);
      await setImmediate();
    }
  }

  /** Time passes until it has settled. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => void (settled = true);
    promise.then(settle, settle);
    while (!isTrue(() => settled)) await this.pass(1);
    return promise;
  }

  async #close(): Promise<void> {
    for (const disk of Object.values(this.disks)) {
      disk.heal();
      disk.release();
    }
    await this.wait(this.engine.close());
    expect(this.clock.pending).toBe(0);
    expect(bioPool.outstanding).toBe(this.#outstanding);
  }
}

function tableOf(args: string, sectors: number): string {
  return `0 ${String(sectors)} mirror ${args}`;
}

/** Read through a function: the flag changes while somebody waits. */
function isTrue(flag: () => boolean): boolean {
  return flag();
}

/** A sector full of one byte. */
export function sector(byte: number, count = 1): Uint8Array {
  return new Uint8Array(count * SECTOR_SIZE).fill(byte);
}

/** The byte that fills a sector of a disk. */
export function byteAt(disk: ChaosDisk, at: number): number {
  return disk.data[at * SECTOR_SIZE]!;
}

/** Two disks hold the same. Not compared byte by byte by the test runner, which takes its time. */
export function expectSame(a: ChaosDisk, b: ChaosDisk): void {
  expect(Buffer.compare(a.data, b.data)).toBe(0);
}
