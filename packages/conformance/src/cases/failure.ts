import assert from 'node:assert/strict';
import { BioFlag, BioOp, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case, Need } from '../cases.ts';
import { expectZeroes, type Rig } from '../rig.ts';

const BELOW: readonly Need[] = ['disks below', 'kept data', 'write'];

/** What fails below is told above, with its status, and leaves nothing behind. */
export const failureCases: readonly Case[] = [
  ...[Status.Io, Status.NoData].map((status): Case => ({
    name: `failure: a read that fails below with status ${String(status)} fails above`,
    needs: BELOW,
    async run(rig) {
      await rig.fill();
      failAll(rig, status, BioOp.Read);
      const buffer = new Uint8Array(8 * rig.disk.block * SECTOR_SIZE).fill(0xa5);
      const answer = await rig.io({ op: BioOp.Read, sector: rig.first, count: 8 * rig.disk.block, buffer });
      expectFailure(rig, answer, status);
      expectZeroes(buffer);
      heal(rig);
      await rig.checkAll();
    },
  })),
  ...[Status.Io, Status.NoSpc].map((status): Case => ({
    name: `failure: a write that fails below with status ${String(status)} fails above`,
    needs: BELOW,
    async run(rig) {
      await rig.fill();
      failAll(rig, status, BioOp.Write);
      const count = 8 * rig.disk.block;
      const buffer = new Uint8Array(count * SECTOR_SIZE);
      expectFailure(rig, await rig.io({ op: BioOp.Write, sector: rig.first, count, buffer }), status);
      rig.model.forget(rig.first, count);
      heal(rig);
      await rig.write(rig.first, count);
      await rig.checkAll();
    },
  })),
  {
    name: 'failure: a flush that fails below fails above',
    needs: [...BELOW, 'flush'],
    async run(rig) {
      await rig.fill();
      failAll(rig, Status.Io, BioOp.Flush);
      expectFailure(rig, await rig.io({ op: BioOp.Flush, sector: 0, count: 0 }), Status.Io);
      heal(rig);
      await rig.flush();
      await rig.checkAll();
    },
  },
  {
    name: 'failure: a discard that fails below fails above',
    needs: [...BELOW, 'discard'],
    async run(rig) {
      await rig.fill();
      failAll(rig, Status.Io, BioOp.Discard);
      const request = { op: BioOp.Discard, sector: rig.first, count: 8 * rig.disk.block };
      expectFailure(rig, await rig.io(request), Status.Io);
      rig.model.forget(request.sector, request.count);
      heal(rig);
      await rig.checkAll();
    },
  },
  {
    name: 'failure: one piece of a large read that fails makes all of it fail',
    needs: BELOW,
    async run(rig) {
      await rig.fill();
      const last = rig.disks.at(-1)!;
      last.fail(Status.Io, { op: BioOp.Read, times: 1 });
      const { sectors } = rig.disk;
      const buffer = new Uint8Array(sectors * SECTOR_SIZE).fill(0xa5);
      const answer = await rig.io({ op: BioOp.Read, sector: 0, count: sectors, buffer });
      // A target that keeps copies may have read another one; then the data must be right.
      if (answer === Status.Ok) rig.expectModel(buffer, 0, 0, sectors);
      else expectZeroes(buffer);
      heal(rig);
      await rig.checkAll();
    },
  },
  {
    name: 'failure: random failures below, then all of the rest is as the model says',
    needs: BELOW,
    async run(rig) {
      await rig.fill();
      for (let i = 0; i < 60; i++) await randomRequest(rig);
      heal(rig);
      await rig.checkAll();
    },
  },
];

/** What a flush or a flagged write promised is there after a power cut below. */
export const stabilityCases: readonly Case[] = [
  {
    name: 'stability: what was flushed survives a power cut',
    needs: [...BELOW, 'flush'],
    async run(rig) {
      await rig.fill();
      await rig.flush();
      cutPower(rig);
      await rig.checkAll();
    },
  },
  {
    name: 'stability: a write with FUA survives a power cut',
    needs: BELOW,
    async run(rig) {
      const count = 40 * rig.disk.block;
      await rig.write(rig.first, count, BioFlag.Fua);
      cutPower(rig);
      await rig.read(rig.first, count);
    },
  },
  {
    name: 'stability: a write with preflush makes the writes before it survive a power cut',
    needs: [...BELOW, 'bios', 'flush'],
    async run(rig) {
      const count = 16 * rig.disk.block;
      await rig.write(rig.first, count);
      await rig.write(rig.first + count, count, BioFlag.Preflush);
      rig.model.forget(rig.first + count, count);
      cutPower(rig);
      await rig.read(rig.first, 2 * count);
    },
  },
  {
    name: 'stability: of what was not flushed each block is old or new, never mixed up',
    needs: [...BELOW, 'flush'],
    async run(rig) {
      const { block } = rig.disk;
      await rig.fill();
      await rig.flush();
      for (let blocks = 0; blocks < 64; blocks += 8)
        await rig.write(rig.first + blocks * block, 4 * block, BioFlag.Fua);
      cutPower(rig);
      await rig.checkAll();
    },
  },
];

async function randomRequest(rig: Rig): Promise<void> {
  const [sector, count] = rig.range();
  const buffer = new Uint8Array(count * SECTOR_SIZE).fill(0xa5);
  const op = rig.random.chance(0.5) ? BioOp.Write : BioOp.Read;
  if (rig.random.chance(0.4)) rig.random.pick(rig.disks).fail(Status.Io, { op, times: 1 });
  if (op === BioOp.Read) {
    const answer = await rig.io({ op, sector, count, buffer });
    if (answer === Status.Ok) rig.expectModel(buffer, 0, sector, count);
    else expectZeroes(buffer);
    return;
  }
  const sequence = rig.model.stamp(buffer, 0, sector, count);
  const answer = await rig.io({ op, sector, count, buffer });
  if (answer === Status.Ok) rig.model.wrote(sector, count, sequence);
  else rig.model.forget(sector, count);
}

function failAll(rig: Rig, status: Status, op: BioOp): void {
  for (const disk of rig.disks) disk.fail(status, { op });
}

function heal(rig: Rig): void {
  for (const disk of rig.disks) disk.heal();
}

function cutPower(rig: Rig): void {
  for (const disk of rig.disks) disk.cutPower();
}

/** The status from below, or a plain I/O error. */
function expectFailure(rig: Rig, answer: Status, status: Status): void {
  assert.notEqual(answer, Status.Ok, 'what failed below succeeded above');
  if (rig.disk.exact)
    assert(
      [status, Status.Io].includes(answer),
      `it failed with status ${String(answer)}, below it was ${String(status)}`,
    );
}
