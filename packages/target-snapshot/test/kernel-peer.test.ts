import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { runInVm } from '../../../tools/kernel-vm/run.mjs';
import { someSectors } from './model.ts';
import { PowerWorld } from './power-world.ts';
import { sectorsOf, watch } from './world.ts';

// Snapshots of ours, closed or cut off, some of them while or after they were merged, opened by a real kernel: it must read the
// same bytes as we do, and merge what is left to the same bytes on the origin and in the store. It takes minutes, so it runs on
// demand: INTERPOSER_HISTORIES=60 (see tools/kernel-vm).
const HISTORIES = Number(process.env.INTERPOSER_HISTORIES ?? 0);

const STORE_SECTORS = 200;
/** Sectors of a history on the disks of the guest: the origin comes first, then the store. */
const STRIDE = 512;
const STORE_AT = 128;

/** What a crash, or an orderly end, left of a snapshot. */
interface History {
  readonly sectors: number;
  readonly chunk: number;
  readonly origin: Uint8Array;
  readonly store: Uint8Array;
}

async function makeHistory(seed: number): Promise<History> {
  const random = new Random(seed);
  const chunk = random.pick([1, 2, 4, 8, 16, 32]);
  const sectors = random.pick([64, 61]);
  const world = new PowerWorld(random.chance(0.3) ? Infinity : random.below(150), seed);
  await world.add('disk', sectorsOf(Array.from({ length: sectors }, (_, sector) => sector + 1)));
  await world.add('a', new Uint8Array(STORE_SECTORS * SECTOR_SIZE).fill(0xab, SECTOR_SIZE));
  const table = (type: string): string =>
    `0 ${String(sectors)} ${type} chaos:disk chaos:a P ${String(chunk)}`;
  await world.create('o', `0 ${String(sectors)} snapshot-origin chaos:disk`);
  await world.create('s', table('snapshot'));
  world.countFrom();
  await load(world, random, ['o', 's'], sectors);
  if (random.chance(0.6)) {
    const merging = async (): Promise<void> => {
      for (const name of ['s', 'o']) await world.remove(name);
      await world.create('m', table('snapshot-merge'));
    };
    await untilDead(world, merging());
    await load(world, random, ['m'], sectors);
  }
  const next = await world.afterwards();
  const [origin, store] = await images(next, sectors);
  await next.close();
  return { sectors, chunk, origin, store };
}

/** Writes and flushes, a few at a time, until the power fails. */
async function load(
  world: PowerWorld,
  random: Random,
  names: readonly string[],
  sectors: number,
): Promise<void> {
  for (let step = 1; step <= 8 && !world.isDead; step++) {
    const requests: Promise<void>[] = [];
    for (let index = random.between(1, 4); index > 0; index--) {
      const port = await world.port(random.pick(names));
      const [sector, count] = someSectors(random, sectors);
      const numbers = Array.from({ length: count }, () => 1000 * step + index);
      requests.push(random.chance(0.2) ? port.flush() : port.write(sector, sectorsOf(numbers)));
    }
    await untilDead(world, Promise.all(requests));
  }
}

/** Waits for something, or for the power to fail. */
async function untilDead(world: PowerWorld, promise: Promise<unknown>): Promise<void> {
  const watched = watch(promise);
  while (!watched.over && !world.isDead) await world.pass(1);
  if (watched.over) await promise;
}

/** The bytes of the origin, and of the store. */
async function images(world: PowerWorld, sectors: number): Promise<[Uint8Array, Uint8Array]> {
  return [await bytesOf(world, 'chaos:disk', sectors), await bytesOf(world, 'chaos:a', STORE_SECTORS)];
}

async function bytesOf(world: PowerWorld, name: string, sectors: number): Promise<Uint8Array> {
  const port = await world.engine.open(name, { claim: 'noexcl' });
  try {
    return await world.wait(port.read(0, sectors));
  } finally {
    port.close();
  }
}

/** What a history reads as here, whether anything is left to merge, and the origin and the store when it is merged. */
async function openHere({ sectors, chunk, origin, store }: History): Promise<{
  readonly content: Uint8Array;
  readonly status: string;
  readonly merged: readonly [Uint8Array, Uint8Array];
}> {
  const world = new PowerWorld(Infinity, 1);
  await world.add('disk', origin);
  await world.add('a', store);
  const table = (type: string): string =>
    `0 ${String(sectors)} ${type} chaos:disk chaos:a P ${String(chunk)}`;
  await world.create('s', table('snapshot'));
  const status = await world.status('s');
  const content = await bytesOf(world, 's', sectors);
  await world.remove('s');
  await world.create('m', table('snapshot-merge'));
  await world.merged('m');
  await world.remove('m');
  const merged = await images(world, sectors);
  await world.close();
  return { content, status, merged };
}

/** What the kernel is to do with a history: tell its status, copy its bytes to the second disk, and merge it. */
function scriptOf({ sectors, chunk }: History, index: number): string {
  const base = index * STRIDE;
  const linear = (name: string, length: number, at: number): string =>
    `echo "0 ${String(length)} linear /dev/vda ${String(base + at)}" | dmsetup create ${name}`;
  const table = (type: string): string =>
    `echo "0 ${String(sectors)} ${type} /dev/mapper/origin /dev/mapper/store P ${String(chunk)}"`;
  return `
    ${linear('origin', sectors, 0)}
    ${linear('store', STORE_SECTORS, STORE_AT)}
    ${table('snapshot')} | dmsetup create s
    dmsetup status s
    dd if=/dev/mapper/s of=/dev/vdb bs=512 seek=${String(base)} 2>/dev/null
    dmsetup remove s
    ${table('snapshot-merge')} | dmsetup create m
    until set -- $(dmsetup status m); [ "\${4%%/*}" = "$5" ]; do sleep 0.05; done
    dmsetup remove m
    dmsetup remove origin
    dmsetup remove store`;
}

describe.skipIf(HISTORIES === 0)('the kernel on snapshots of ours', () => {
  it(`${String(HISTORIES)} histories`, { timeout: 30 * 60_000 }, async () => {
    const histories: History[] = [];
    for (let seed = 1; seed <= HISTORIES; seed++) histories.push(await makeHistory(seed));
    const folder = mkdtempSync(join(tmpdir(), 'interposer-'));
    try {
      const [disk, contents] = [join(folder, 'disk.img'), join(folder, 'contents.img')];
      const bytes = Buffer.alloc(HISTORIES * STRIDE * SECTOR_SIZE);
      writeFileSync(contents, bytes);
      for (const [index, { origin, store }] of histories.entries()) {
        bytes.set(origin, index * STRIDE * SECTOR_SIZE);
        bytes.set(store, (index * STRIDE + STORE_AT) * SECTOR_SIZE);
      }
      writeFileSync(disk, bytes);
      const { status, stdout, stderr } = await runInVm({
        programs: ['dmsetup'],
        modules: ['dm-snapshot'],
        disks: [{ path: disk }, { path: contents }],
        timeout: 1500,
        script: `${histories.map(scriptOf).join('\n')}\nsync`,
      });
      expect([status, stderr]).toEqual([0, '']);
      await compare(histories, stdout, readFileSync(contents), readFileSync(disk));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

async function compare(
  histories: readonly History[],
  stdout: string,
  contents: Uint8Array,
  disk: Uint8Array,
): Promise<void> {
  const statuses = [...stdout.matchAll(/ snapshot (.*)$/gm)].map(([, status]) => status!.trim());
  expect(statuses).toHaveLength(histories.length);
  // Some have nothing to merge, and the others have more or less of it.
  expect(new Set(statuses).size).toBeGreaterThan(histories.length / 5);
  for (const [index, history] of histories.entries()) {
    const which = `history ${String(index)}`;
    const ours = await openHere(history);
    expect(statuses[index], which).toBe(ours.status);
    const expectSame = (image: Uint8Array, found: Uint8Array, at: number, what: string): void => {
      const start = (index * STRIDE + at) * SECTOR_SIZE;
      const kernels = found.subarray(start, start + image.length);
      expect(Buffer.compare(image, kernels), `${what} of ${which}`).toBe(0);
    };
    expectSame(ours.content, contents, 0, 'content');
    expectSame(ours.merged[0], disk, 0, 'merged origin');
    expectSame(ours.merged[1], disk, STORE_AT, 'merged store');
  }
}
