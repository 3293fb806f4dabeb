import assert from 'node:assert/strict';
import { BioFlag, BioOp } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';

/** Lengths in blocks, from bdevio's list: one, some, odd ones, more than 128 KiB. */
const LENGTHS = [1, 2, 7, 8, 63, 128, 256, 257];

/** What is written is read back, at all lengths and places, and nothing else changes. */
export const dataCases: readonly Case[] = [
  ...LENGTHS.map((blocks) => roundTrip(blocks)),
  {
    name: 'data: the whole device, sector by sector stamped',
    needs: ['write'],
    async run(rig) {
      await rig.fill();
      await rig.checkAll();
    },
  },
  {
    name: 'data: the whole device in one request',
    needs: ['write'],
    async run(rig) {
      const { sectors } = rig.disk;
      await rig.write(0, sectors);
      await rig.checkAll();
      await rig.write(0, sectors);
      await rig.read(0, sectors);
    },
  },
  {
    name: 'data: the last sectors can be written and read',
    needs: ['write'],
    async run(rig) {
      const { block, sectors } = rig.disk;
      await rig.write(sectors - block, block);
      await rig.read(sectors - block, block);
    },
  },
  {
    name: 'data: neighbours of a write stay as they were',
    needs: ['write'],
    async run(rig) {
      await rig.fill();
      const { block } = rig.disk;
      for (const first of [1, 7, 15, 16, 63, 64, 127]) {
        await rig.write(first * block, block);
        await rig.read((first - 1) * block, 3 * block);
      }
      await rig.checkAll();
    },
  },
  {
    name: 'data: of overlapping writes the later one stays',
    needs: ['write'],
    async run(rig) {
      const { block } = rig.disk;
      await rig.write(0, 24 * block);
      await rig.write(8 * block, 24 * block);
      await rig.write(16 * block, 4 * block);
      await rig.read(0, 32 * block);
    },
  },
  {
    name: 'data: 150 random requests, one after another, agree with the model',
    needs: ['write'],
    async run(rig) {
      for (let i = 0; i < 150; i++) {
        const [sector, count] = rig.range();
        if (rig.random.chance(0.5)) await rig.write(sector, count);
        else await rig.read(sector, count);
      }
      await rig.checkAll();
    },
  },
  {
    name: 'data: 32 writes at a time, then 32 reads at a time, agree with the model',
    needs: ['write'],
    async run(rig) {
      for (let round = 0; round < 4; round++) {
        const ranges = disjointRanges(rig, 32);
        await rig.wait(Promise.all(ranges.map(([sector, count]) => rig.startWrite(sector, count))));
        await rig.wait(Promise.all(ranges.map(([sector, count]) => rig.startRead(sector, count))));
      }
      await rig.checkAll();
    },
  },
  {
    name: 'data: reads and writes of different sectors mixed agree with the model',
    needs: ['write'],
    async run(rig) {
      await rig.fill();
      const ranges = disjointRanges(rig, 40);
      await rig.wait(
        Promise.all(
          ranges.map(([sector, count], i) =>
            i % 2 === 0 ? rig.startWrite(sector, count) : rig.startRead(sector, count),
          ),
        ),
      );
      await rig.checkAll();
    },
  },
];

/** Discards and write-zeroes keep to their range. */
export const zeroingCases: readonly Case[] = [
  {
    name: 'write-zeroes: the range reads as zeroes, neighbours stay',
    needs: ['write', 'write-zeroes'],
    run: (rig) => eachRange(rig, (sector, count) => rig.writeZeroes(sector, count)),
  },
  {
    name: 'write-zeroes: without unmapping too',
    needs: ['write', 'write-zeroes'],
    run: (rig) => eachRange(rig, (sector, count) => rig.writeZeroes(sector, count, BioFlag.NoUnmap)),
  },
  {
    name: 'write-zeroes: the whole device',
    needs: ['write', 'write-zeroes'],
    async run(rig) {
      await rig.fill();
      await rig.writeZeroes(0, rig.disk.sectors);
      await rig.checkAll();
    },
  },
  {
    name: 'discard: neighbours stay, and the range can be written again',
    needs: ['write', 'discard'],
    async run(rig) {
      await eachRange(rig, (sector, count) => rig.discard(sector, count));
      await rig.write(0, 16 * rig.disk.block);
      await rig.read(0, 32 * rig.disk.block);
    },
  },
  {
    name: 'discard: the whole device',
    needs: ['write', 'discard'],
    async run(rig) {
      await rig.fill();
      await rig.discard(0, rig.disk.sectors);
      await rig.fill();
      await rig.checkAll();
    },
  },
  refusal('discard', BioOp.Discard),
  refusal('write-zeroes', BioOp.WriteZeroes),
];

/** Flushes and flagged writes succeed in every state; what they make stable is another group's. */
export const flushCases: readonly Case[] = [
  {
    name: 'flush: succeeds with nothing written, twice, and after writes',
    needs: ['flush'],
    async run(rig) {
      await rig.flush();
      await rig.flush();
      await rig.write(0, rig.disk.block);
      await rig.flush();
      await rig.read(0, rig.disk.block);
    },
  },
  {
    name: 'flush: flagged writes keep their data',
    needs: ['write', 'flush'],
    async run(rig) {
      const { block } = rig.disk;
      await rig.write(0, 8 * block, BioFlag.Fua);
      await rig.write(8 * block, 8 * block, BioFlag.Preflush);
      await rig.write(16 * block, 8 * block, BioFlag.Preflush | BioFlag.Fua);
      await rig.read(0, 32 * block);
    },
  },
  {
    name: 'flush: among writes under way',
    needs: ['write', 'flush'],
    async run(rig) {
      const ranges = disjointRanges(rig, 16);
      const writes = ranges.map(([sector, count]) => rig.startWrite(sector, count));
      await Promise.all([rig.flush(), rig.wait(Promise.all(writes)), rig.flush()]);
      await rig.checkAll();
    },
  },
];

function roundTrip(blocks: number): Case {
  return {
    name: `data: ${String(blocks)} ${blocks === 1 ? 'block' : 'blocks'} at the start, inside and at the end`,
    needs: ['write'],
    async run(rig) {
      const { block, sectors } = rig.disk;
      const count = Math.min(blocks * block, sectors);
      const middle = Math.floor((sectors - count) / 2 / block) * block;
      for (const sector of new Set([0, Math.min(block, sectors - count), middle, sectors - count])) {
        await rig.write(sector, count);
        await rig.read(sector, count);
      }
      await rig.checkAll();
    },
  };
}

/** An operation that is not declared is refused, and what lies there stays. */
function refusal(word: 'discard' | 'write-zeroes', op: BioOp): Case {
  return {
    name: `undeclared: ${word} is answered NotSup and nothing of it gets through`,
    needs: ['bios', `no ${word}`],
    async run(rig) {
      await rig.fill();
      const before = rig.disks.map((disk) => disk.arrived[op]);
      const request = { op, sector: 0, count: rig.disk.block };
      rig.expectStatus(request, await rig.io(request));
      assert.deepEqual(
        rig.disks.map((disk) => disk.arrived[op]),
        before,
        `a ${word} that was not declared reached a disk below`,
      );
      await rig.checkAll();
    },
  };
}

async function eachRange(rig: Rig, change: (sector: number, count: number) => Promise<void>): Promise<void> {
  const { block } = rig.disk;
  await rig.fill();
  for (const [first, blocks] of [
    [1, 1],
    [15, 2],
    [40, 8],
    [60, 70],
  ] as const) {
    await change(first * block, blocks * block);
    await rig.read((first - 1) * block, (blocks + 2) * block);
  }
  await rig.checkAll();
}

/** Random ranges that do not touch one another, all over the device. */
function disjointRanges(rig: Rig, wanted: number): [sector: number, count: number][] {
  const { block, sectors } = rig.disk;
  const size = Math.floor(sectors / block / wanted) * block;
  return Array.from({ length: size === 0 ? 1 : wanted }, (_, i) => {
    const count = size === 0 ? block : rig.random.between(1, size / block) * block;
    return [i * size, count];
  });
}
