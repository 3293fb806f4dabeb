import { readFileSync } from 'node:fs';
import process from 'node:process';
import { checkSector, Random, stampSector } from '@interposer/conformance';
import { BioFlag, type Port, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { createInterposer } from '../src/index.ts';
import { useWorld } from './world.ts';

// The daemon is killed at any instant under a stamping writer: what was acknowledged as durable is in the image.
const world = useWorld();
const CRASHES = Number(process.env.INTERPOSER_CRASHES ?? '5');
const SECTORS = 2048;
const WRITERS = 8;
const SEQUENCE_OFFSET = 8;

/** Writes stamped sectors all over a disk, and knows what must be durable. */
class Stamper {
  /** For each sector the last write that was acknowledged with FUA, or before a flush that succeeded began. */
  readonly durable: number[] = new Array<number>(SECTORS).fill(0);
  /** For each sector the last write that was sent. */
  readonly sent: number[] = new Array<number>(SECTORS).fill(0);
  readonly #acknowledged: number[] = new Array<number>(SECTORS).fill(0);
  readonly #busy = new Set<number>();
  readonly #random: Random;
  readonly #port: Port;
  #sequence = 0;
  #left: number;
  #dead = false;

  readonly #onEnough: () => void;

  /** Calls back after so many acknowledgements. */
  constructor(port: Port, seed: number, acknowledgements: number, onEnough: () => void) {
    this.#port = port;
    this.#random = new Random(seed);
    this.#left = acknowledgements;
    this.#onEnough = onEnough;
  }

  /** Until the disk is gone. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: WRITERS }, () => this.#writer()));
  }

  async #writer(): Promise<void> {
    while (!this.#dead) {
      try {
        if (this.#random.below(8) === 0) await this.#flush();
        else await this.#write();
        if (--this.#left === 0) this.#onEnough();
      } catch {
        this.#dead = true;
      }
    }
  }

  async #write(): Promise<void> {
    const sector = this.#random.below(SECTORS);
    // Two writes to one sector at a time may end in either order.
    if (this.#busy.has(sector)) return;
    this.#busy.add(sector);
    const sequence = ++this.#sequence;
    const data = new Uint8Array(SECTOR_SIZE);
    stampSector(data, 0, sector, sequence);
    this.sent[sector] = sequence;
    const fua = this.#random.below(4) === 0;
    await this.#port.write(sector, data, fua ? BioFlag.Fua : 0);
    this.#acknowledged[sector] = sequence;
    if (fua) this.durable[sector] = sequence;
    this.#busy.delete(sector);
  }

  async #flush(): Promise<void> {
    const covered = [...this.#acknowledged];
    await this.#port.flush();
    for (const [sector, sequence] of covered.entries()) {
      this.durable[sector] = Math.max(this.durable[sector]!, sequence);
    }
  }
}

/** Each sector holds a whole stamp of its own, of a write between the last durable and the last sent. */
function checkImage(image: Uint8Array, { durable, sent }: Stamper): void {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  for (let sector = 0; sector < SECTORS; sector++) {
    const sequence = view.getUint32(sector * SECTOR_SIZE + SEQUENCE_OFFSET, true);
    expect(sequence).toBeGreaterThanOrEqual(durable[sector]!);
    expect(sequence).toBeLessThanOrEqual(sent[sector]!);
    if (sequence > 0) expect(checkSector(image, sector * SECTOR_SIZE, sector, sequence)).toBeUndefined();
  }
}

async function crashOnce(round: number): Promise<void> {
  const image = world.image('crash.img', SECTORS * SECTOR_SIZE);
  await world.ok('create', 'disk', '--table', `0 ${String(SECTORS)} linear ${image} 0`);
  await world.ok('export', 'add', 'disk', '--unix', world.path('crash.sock'));
  const pid = world.daemonPid();
  const engine = createInterposer();
  const port = await engine.open(`nbd+unix:///disk?socket=${world.path('crash.sock')}`);
  const random = new Random(round + 1);
  const stamper = new Stamper(port, round + 1, 50 + random.below(2000), () => {
    process.kill(pid, 'SIGKILL');
  });
  await stamper.run();
  port.close();
  await engine.close();
  expect(stamper.durable.some((sequence) => sequence > 0)).toBe(true);
  checkImage(readFileSync(image), stamper);
}

describe('a daemon that is killed', () => {
  it(
    `${String(CRASHES)} times has every write in the image that it acknowledged as durable`,
    async () => {
      for (let round = 0; round < CRASHES; round++) await crashOnce(round);
    },
    60_000 + CRASHES * 5_000,
  );
});
