import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Bio, BioOp, bioPool, type Port, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { createSnapshots, removeSnapshot, type SnapshotRequest } from '../src/index.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { SECTORS, sectorsOf, World } from './world.ts';

/** Sectors of a chunk. */
const CHUNK = 8;

const ROUNDS = 8;
const WRITERS = 4;
/** More than any disk begins with. */
const FIRST = 1000;
/** Pairs of writes that follow one another without any pause. */
const BURST = 4;

/**
 * Writers with a sector of their own on each of two disks: a number to the first, and when that is answered, the same to the
 * second, from within the answer. Others keep the second disk busy.
 */
class Writers {
  #stopped = false;
  readonly #ended: Promise<unknown>;

  constructor(first: Port, second: Port) {
    const pairs = Array.from({ length: WRITERS }, (_, at) => this.#run([first, second], at * CHUNK));
    const busy = Array.from({ length: WRITERS }, (_, at) => this.#run([second], (WRITERS + at) * CHUNK));
    this.#ended = Promise.all([...pairs, ...busy]);
    later(async () => {
      this.#stopped = true;
      await this.#ended;
    });
  }

  async #run(ports: readonly Port[], sector: number): Promise<void> {
    for (let number = FIRST; !this.#stopped; number += BURST) {
      await new Promise<void>((resolve) => {
        burst(ports, sector, number * ports.length, resolve);
      });
      await setImmediate();
    }
  }
}

/** Writes to one port after the other; `step` counts the writes. */
function burst(ports: readonly Port[], sector: number, step: number, done: () => void): void {
  const bio: Bio = bioPool.get();
  bio.op = BioOp.Write;
  bio.sector = sector;
  bio.count = 1;
  bio.buffer = sectorsOf([Math.floor(step / ports.length)]);
  bio.end = (ended) => {
    bioPool.put(ended);
    if ((step + 1) % (BURST * ports.length) === 0) done();
    else burst(ports, sector, step + 1, done);
  };
  ports[step % ports.length]!.submit(bio);
}

/** An empty disk whose writes take their time. */
async function image(): Promise<string> {
  const path = join(await temporaryFolder(), 'log.img');
  await writeFile(path, new Uint8Array(SECTORS * SECTOR_SIZE));
  return path;
}

interface Disks {
  readonly world: World;
  /** What each disk shows of the numbers of each writer. */
  ahead(): Promise<number>;
}

async function twoDisks(deep?: 'data' | 'log'): Promise<Disks> {
  const world = new World();
  const ports = [await world.disk('data'), await world.disk('log', `linear ${await image()} 0`)] as const;
  for (const name of ['data', 'log']) {
    const base = await world.store(`${name}-store0`);
    let top = base;
    for (let depth = 1; name === deep && depth < 8; depth++) {
      top = `${name}-store${String(depth)}`;
      await world.engine.create(top, { table: `0 512 linear ${name}-store${String(depth - 1)} 0` });
    }
    await world.engine.create(`${name}-store`, { table: `0 512 linear ${top} 0` });
  }
  new Writers(...ports);
  return {
    world,
    ahead: async () => {
      let most = 0;
      for (let sector = 0; sector < WRITERS * CHUNK; sector += CHUNK) {
        const [[data], [log]] = [
          await world.numbers('data-snap', sector),
          await world.numbers('log-snap', sector),
        ];
        most = Math.max(most, Math.max(log!, FIRST) - Math.max(data!, FIRST));
      }
      return most;
    },
  };
}

function request(device: string, persistent: boolean): SnapshotRequest {
  return { device, store: `${device}-store`, persistent };
}

/** A snapshot of each, looked at and taken out again. */
async function look({ world, ahead }: Disks, make: () => Promise<unknown>): Promise<number> {
  await setImmediate();
  await make();
  const most = await ahead();
  for (const name of ['data', 'log']) {
    await removeSnapshot(world.engine, `${name}-snap`);
    await world.engine.zero(`${name}-store`, 0, 512);
  }
  return most;
}

describe('snapshots of several devices', () => {
  it.each([
    [true, undefined, false],
    [true, 'log', false],
    [true, undefined, true],
    [false, 'data', false],
    [false, 'log', false],
    [false, undefined, true],
    [false, 'data', true],
    [false, 'log', true],
  ] as const)(
    'show one moment (persistent: %s, deep store: %s, further ones: %s)',
    async (persistent, deep, further) => {
      const disks = await twoDisks(deep);
      const { engine } = disks.world;
      const others = ['data', 'log'].map((device) => ({ device, store: 'ram:1M', name: `${device}-older` }));
      if (further) await createSnapshots(engine, others);
      for (let round = 0; round < ROUNDS; round++) {
        const pair = ['data', 'log'].map((device) => request(device, persistent));
        if (round % 2 === 1) pair.reverse();
        expect(await look(disks, () => createSnapshots(engine, pair))).toBe(0);
      }
      disks.world.expectNoFault();
    },
  );

  it('would not, made one after another', async () => {
    const disks = await twoDisks();
    const { engine } = disks.world;
    const seen = await look(disks, async () => {
      await createSnapshots(engine, [request('data', true)]);
      for (let turns = 0; turns < 20; turns++) await setImmediate();
      await createSnapshots(engine, [request('log', true)]);
    });
    expect(seen).toBeGreaterThan(0);
  });
});
