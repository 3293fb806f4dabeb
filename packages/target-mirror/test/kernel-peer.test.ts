import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { runInVm } from '../../../tools/kernel-vm/run.mjs';
import { type Images, freshImages, load, Machine, SECTORS } from './machine.ts';
import { openRecorded } from './reopen.ts';

// Mirrors of ours, crashed or closed, opened by a real kernel: it must find the same regions in sync as we do, and leave the
// same bytes on legs and log. It takes minutes, so it runs on demand: INTERPOSER_HISTORIES=60 (see tools/kernel-vm).
const HISTORIES = Number(process.env.INTERPOSER_HISTORIES ?? 0);

/** Sectors of a history on the disk of the guest, and where in them its disks begin. */
const STRIDE = 512;
const PLACES: readonly (readonly [name: string, at: number])[] = [
  ['a', 0],
  ['b', 128],
  ['log', 256],
];

async function makeHistory(seed: number): Promise<Images> {
  const random = new Random(seed);
  const machine = new Machine(freshImages(random), 4);
  await load(machine, random);
  const { tape } = machine;
  const length = random.chance(0.2) ? tape.entries.length : random.below(tape.entries.length);
  return tape.crash(length, random, random.pick([0, 0.5, 1]));
}

/** What the kernel is to do with a history: say how many regions are in sync before it copies any, and copy them. */
function scriptOf(history: number): string {
  const base = history * STRIDE;
  const linear = (name: string, sectors: number, at: number): string =>
    `echo "0 ${String(sectors)} linear /dev/vda ${String(base + at)}" | dmsetup create ${name}`;
  return `
    ${linear('leg0', SECTORS, PLACES[0]![1])}
    ${linear('leg1', SECTORS, PLACES[1]![1])}
    ${linear('log', 4, PLACES[2]![1])}
    dmsetup suspend leg0
    echo "0 ${String(SECTORS)} mirror disk 2 /dev/mapper/log 8 2 /dev/mapper/leg0 0 /dev/mapper/leg1 0" | dmsetup create m
    sleep 0.1
    dmsetup status m
    dmsetup resume leg0
    until dmsetup status m | grep -q " 13/13 "; do sleep 0.05; done
    dmsetup remove m
    dmsetup remove leg0
    dmsetup remove leg1
    dmsetup remove log`;
}

describe.skipIf(HISTORIES === 0)('the kernel on mirrors of ours', () => {
  it(`${String(HISTORIES)} histories`, { timeout: 30 * 60_000 }, async () => {
    const histories: Images[] = [];
    for (let seed = 1; seed <= HISTORIES; seed++) histories.push(await makeHistory(seed));
    const folder = mkdtempSync(join(tmpdir(), 'interposer-'));
    try {
      const path = join(folder, 'disk.img');
      const disk = Buffer.alloc(HISTORIES * STRIDE * SECTOR_SIZE);
      histories.forEach((images, history) => {
        for (const [name, at] of PLACES) disk.set(images.get(name)!, (history * STRIDE + at) * SECTOR_SIZE);
      });
      writeFileSync(path, disk);
      const script = histories.map((_, history) => scriptOf(history)).join('\n');
      const { status, stdout, stderr } = await runInVm({
        programs: ['dmsetup'],
        modules: ['dm-mirror'],
        disks: [{ path }],
        timeout: 1500,
        script,
      });
      expect([status, stderr]).toEqual([0, '']);
      const found = readFileSync(path);
      const inSync = [...stdout.matchAll(/ (\d+)\/13 1 AA /g)].map(([, count]) => Number(count));
      expect(inSync).toHaveLength(HISTORIES);
      expect(new Set(inSync).size).toBeGreaterThan(2);
      for (const [history, images] of histories.entries()) {
        const ours = await openRecorded(images, {
          sectors: SECTORS,
          log: 'disk 2 tape:log 8',
          offsets: [0, 0],
        });
        expect(inSync[history], `history ${String(history)}`).toBe(ours.inSync);
        for (const [name, at] of PLACES) {
          const image = ours.images.get(name)!;
          const start = (history * STRIDE + at) * SECTOR_SIZE;
          const kernels = found.subarray(start, start + image.length);
          expect(Buffer.compare(image, kernels), `${name} of history ${String(history)}`).toBe(0);
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
