import { setImmediate } from 'node:timers/promises';
import { BioFlag, createEngine, type Engine, Random, SECTOR_SIZE } from '@interposer/core';
import { VirtualClock } from '@interposer/conformance';
import { mirror } from '../src/index.ts';
import { Tape } from './tape.ts';

export const SECTORS = 100;
const LOG_SECTORS = 4;
/** Two legs with a log on disk. */
const TABLE = `0 ${String(SECTORS)} mirror disk 2 tape:log 8 2 tape:a 0 tape:b 0`;
const WRITERS = 5;

/** Sectors were sent with a value; or that value, and what came before it, is stable: a flush said so. */
export interface Note {
  readonly what: 'sent' | 'stable';
  readonly sector: number;
  readonly count: number;
  readonly value: number;
}

/** The content of disks, by name. */
export type Images = ReadonlyMap<string, Uint8Array>;

/** An engine and a clock over the disks of a tape. */
export class Machine {
  readonly tape = new Tape<Note>();
  readonly clock = new VirtualClock();
  readonly engine: Engine;

  constructor(images: Images, delay: number) {
    for (const [name, image] of images) this.tape.add(name, image, { delay, seed: name.length + delay });
    this.engine = createEngine({ types: [mirror, this.tape.driver], clock: this.clock });
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false };
    const settle = (): void => void (state.settled = true);
    promise.then(settle, settle);
    while (!state.settled) await this.pass(1);
    return promise;
  }

  async pass(milliseconds: number): Promise<void> {
    for (let i = 0; i < milliseconds; i++) {
      await setImmediate();
      this.clock.advance(1);
    }
  }

  /** Until all regions are the same on all legs, and then the end. */
  async resync(): Promise<Images> {
    await this.wait(this.engine.create('x', { table: TABLE }));
    for (let turn = 0; turn < 1000; turn++) {
      const [row] = await this.engine.status('x');
      const [, done, all] = / (\d+)\/(\d+) 1 AA /.exec(row!.params)!;
      if (done === all) break;
      await this.pass(1);
    }
    await this.wait(this.engine.close());
    return this.tape.crash(this.tape.entries.length, new Random(1), 1);
  }
}

/** Legs that differ everywhere, and no log. */
export function freshImages(random: Random): Images {
  const leg = (): Uint8Array => {
    const image = Buffer.alloc(SECTORS * SECTOR_SIZE);
    for (let sector = 0; sector < SECTORS; sector++)
      image.writeUInt32LE(2 ** 31 + random.below(2 ** 31), sector * SECTOR_SIZE);
    return image;
  };
  return new Map([
    ['a', leg()],
    ['b', leg()],
    ['log', Buffer.alloc(LOG_SECTORS * SECTOR_SIZE)],
  ]);
}

/** The number at the start of a sector. */
export function valueAt(image: Uint8Array, sector: number): number {
  return new DataView(image.buffer, image.byteOffset).getUint32(sector * SECTOR_SIZE, true);
}

/** Writers, each on its own sectors, with flushes and pauses in which regions become clean. */
export async function load(machine: Machine, random: Random): Promise<void> {
  const { engine, tape, clock } = machine;
  await machine.wait(engine.create('x', { table: TABLE }));
  const port = await engine.open('x');
  let next = 1;
  const write = async (writer: number): Promise<void> => {
    const sector = writer * 20 + random.below(19);
    const count = random.between(1, 2);
    const note = { sector, count, value: next++ };
    const data = Buffer.alloc(count * SECTOR_SIZE);
    for (let i = 0; i < count; i++) data.writeUInt32LE(note.value, i * SECTOR_SIZE);
    const flags = random.chance(0.2) ? BioFlag.Fua : 0;
    tape.note({ what: 'sent', ...note });
    await port.write(sector, data, flags);
    if (flags === 0 && random.chance(0.6)) return;
    if (flags === 0) await port.flush();
    tape.note({ what: 'stable', ...note });
  };
  const run = async (writer: number): Promise<void> => {
    for (let i = 0; i < 5; i++) await write(writer);
  };
  for (let round = 0; round < 2; round++) {
    await machine.wait(Promise.all(Array.from({ length: WRITERS }, (_, writer) => run(writer))));
    for (let pause = 0; pause < 2; pause++) {
      clock.advance(3000);
      // Regions become clean, and others are written meanwhile.
      await machine.wait(Promise.all([machine.pass(8), run(pause)]));
    }
  }
  port.close();
  await machine.wait(engine.close());
}
