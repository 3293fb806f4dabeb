import {
  bioPool,
  BioOp,
  type Engine,
  createEngine,
  type Port,
  Random,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { type ChaosDisk, chaosDriver, VirtualClock } from '@interposer/conformance';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mirror } from '../src/index.ts';

const SECTORS = 128;
const OWNED = 16;
const ROUNDS = 60;

/** A machine of legs that fail, stall, come late and answer with rubbish as chance has it. */
class Chaos {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly engine: Engine;
  readonly legs: ChaosDisk[] = [];
  readonly #driver = chaosDriver();

  constructor(seed: number, legs: number) {
    this.random = new Random(seed);
    this.engine = createEngine({ types: [mirror, this.#driver], clock: this.clock });
    for (let leg = 0; leg < legs; leg++) {
      const disk = this.#driver.add(String(leg), { sectors: SECTORS, delay: 3, seed: seed + leg });
      for (let sector = 0; sector < SECTORS; sector++) stamp(disk.data, sector, 0);
      this.legs.push(disk);
    }
    this.#driver.add('log', { sectors: 8, delay: 2 });
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false };
    const settle = (): void => void (state.settled = true);
    promise.then(settle, settle);
    for (let turn = 0; !state.settled; turn++) {
      if (turn > 20_000) throw new Error('does not end');
      await setImmediate();
      this.clock.advance(1);
    }
    return promise;
  }

  /** One leg misbehaves for a while. Rubbish comes with an error, as from a disk that checks what it reads. */
  disturb(): void {
    const { random } = this;
    const leg = random.pick(this.legs);
    const op = random.pick([BioOp.Read, BioOp.Write, BioOp.Write, BioOp.Flush]);
    switch (random.below(3)) {
      case 0:
        leg.fail(random.pick([Status.Io, Status.NoSpc, Status.Ilseq]), { op, times: random.between(1, 3) });
        break;
      case 1:
        leg.hold((bio) => random.chance(0.3) && bio.op === op);
        this.clock.after(random.between(5, 40), () => {
          for (const bio of leg.held)
            if (bio.op === BioOp.Read) bio.buffer.fill(0xee, bio.bufferOffset, bio.bufferOffset + 512);
          leg.release(random.pick(['oldest', 'newest']));
        });
        break;
      default:
        leg.heal();
    }
  }

  calm(): void {
    for (const leg of this.legs) {
      leg.heal();
      leg.release();
    }
  }
}

function stamp(data: Uint8Array, at: number, value: number): void {
  data.fill(value & 0xff, at * SECTOR_SIZE, (at + 1) * SECTOR_SIZE);
  new DataView(data.buffer, data.byteOffset).setUint32(at * SECTOR_SIZE, value);
}

/** The value of a sector that is whole; -1 for one that is not. */
function valueOf(data: Uint8Array, at: number): number {
  const value = new DataView(data.buffer, data.byteOffset).getUint32(at * SECTOR_SIZE);
  const rest = data.subarray(at * SECTOR_SIZE + 4, (at + 1) * SECTOR_SIZE);
  return rest.every((byte) => byte === (value & 0xff)) ? value : -1;
}

/** Writes and reads the sectors that are its own; what it reads must be what it knows. */
class Client {
  /** What each sector may hold: one value, or several after a write that failed. */
  readonly known: number[][] = Array.from({ length: OWNED }, () => [0]);
  readonly #port: Port;
  readonly #first: number;
  readonly #random: Random;
  #next = 1;

  constructor(port: Port, first: number, random: Random) {
    this.#port = port;
    this.#first = first;
    this.#random = random;
  }

  async step(): Promise<void> {
    const at = this.#random.below(OWNED);
    const count = this.#random.between(1, Math.min(4, OWNED - at));
    if (this.#random.chance(0.5)) await this.#write(at, count);
    else await this.read(at, count).catch(() => undefined);
    if (this.#random.chance(0.1)) await this.#port.flush().catch(() => undefined);
  }

  async read(at: number, count: number): Promise<void> {
    const data = await this.#port.read(this.#first + at, count);
    for (let i = 0; i < count; i++) {
      const found = valueOf(data, i);
      expect(this.known[at + i], `sector ${String(this.#first + at + i)}`).toContain(found);
      // Whatever it is, it stays.
      this.known[at + i] = [found];
    }
  }

  async #write(at: number, count: number): Promise<void> {
    const data = new Uint8Array(count * SECTOR_SIZE);
    const value = this.#first * 1000 + this.#next++;
    for (let i = 0; i < count; i++) stamp(data, i, value);
    const isDone = await this.#port.write(this.#first + at, data).then(
      () => true,
      () => false,
    );
    for (let i = 0; i < count; i++) {
      this.known[at + i] = isDone ? [value] : [...this.known[at + i]!, value];
    }
  }
}

const TABLES = [
  'core 1 8 2 chaos:0 0 chaos:1 0',
  'core 1 8 2 chaos:0 0 chaos:1 0 2 handle_errors keep_log',
  'core 2 16 nosync 3 chaos:0 0 chaos:1 0 chaos:2 0 2 handle_errors keep_log',
  'disk 2 chaos:log 8 3 chaos:0 0 chaos:1 0 chaos:2 0',
];

describe.each(TABLES)('%s', (args) => {
  it.each([1, 2, 3, 4, 5, 6])(
    'never reads wrong data, and the legs are the same in the end (run %d)',
    async (seed) => {
      const outstanding = bioPool.outstanding;
      const chaos = new Chaos(seed, args.split('chaos:').length - (args.startsWith('disk') ? 2 : 1));
      const { engine, random } = chaos;
      await chaos.wait(engine.create('x', { table: `0 ${String(SECTORS)} mirror ${args}` }));
      const port = await engine.open('x');
      const clients = Array.from(
        { length: SECTORS / OWNED },
        (_, index) => new Client(port, index * OWNED, random),
      );
      for (let round = 0; round < ROUNDS; round++) {
        if (random.chance(0.4)) chaos.disturb();
        await chaos.wait(Promise.all(clients.map((client) => client.step())));
      }
      chaos.calm();
      for (const client of clients) await chaos.wait(client.read(0, OWNED));
      await resync(chaos);
      for (const client of clients) await chaos.wait(client.read(0, OWNED));
      for (const leg of chaos.legs) expect(Buffer.compare(leg.data, chaos.legs[0]!.data)).toBe(0);
      port.close();
      await chaos.wait(engine.close());
      expect([chaos.clock.pending, bioPool.outstanding]).toEqual([0, outstanding]);
    },
  );
});

/** A resume tries all regions again. */
async function resync(chaos: Chaos): Promise<void> {
  const { engine } = chaos;
  await chaos.wait(engine.suspend('x'));
  await chaos.wait(engine.resume('x'));
  for (let turn = 0; turn < 1000; turn++) {
    const [row] = await engine.status('x');
    const [, done, all] = / (\d+)\/(\d+) 1 /.exec(row!.params)!;
    if (done === all) return;
    await chaos.wait(setImmediate());
  }
  expect.fail('the resync does not end');
}
