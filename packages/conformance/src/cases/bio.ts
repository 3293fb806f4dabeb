import assert from 'node:assert/strict';
import { BioOp, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case } from '../cases.ts';
import { expectZeroes, type Rig } from '../rig.ts';
import { isFilled } from '../tools/bytes.ts';

const GUARD = 0x5a;
const FAR = Number.MAX_SAFE_INTEGER;

/** Ranges that do not lie inside a device; the rest of the table is bdevio's. */
const OUTSIDE: readonly [what: string, range: (sectors: number, block: number) => [number, number]][] = [
  ['no sectors', () => [0, 0]],
  ['one block past the end', (sectors, block) => [sectors, block]],
  ['across the end', (sectors, block) => [sectors - block, 2 * block]],
  ['longer than the device', (sectors, block) => [0, sectors + block]],
  ['far past the end', (_sectors, block) => [2 ** 40, block]],
  ['the largest sector number', (_sectors, block) => [FAR, block]],
  ['a sum that overflows', (_sectors, block) => [FAR - block, 2 * block]],
  ['a negative sector', (_sectors, block) => [-block, block]],
  ['a negative count', (_sectors, block) => [block, -block]],
  ['a sector that is no number', (_sectors, block) => [NaN, block]],
  ['a count that is no number', () => [0, NaN]],
  ['an infinite sector', (_sectors, block) => [Infinity, block]],
  ['half a sector', (_sectors, block) => [block / 2 + 0.25, block]],
  ['a count and a half', (_sectors, block) => [0, block + 0.5]],
];

/** Requests that core must refuse before the subject sees them. */
export const boundsCases: readonly Case[] = OUTSIDE.map(([what, range]) => ({
  name: `bounds: ${what} is refused`,
  needs: ['bios'],
  async run(rig) {
    const { block, sectors } = rig.disk;
    await rig.write(0, block);
    await rig.write(sectors - block, block);
    const [sector, count] = range(sectors, block);
    const before = requestsBelow(rig);
    for (const op of [BioOp.Read, BioOp.Write, BioOp.Discard, BioOp.WriteZeroes]) {
      const buffer = new Uint8Array((sectors + block) * SECTOR_SIZE);
      const status = await rig.io({ op, sector, count, buffer });
      assert.equal(
        status,
        Status.Inval,
        `status of operation ${String(op)} at ${String(sector)}+${String(count)}`,
      );
    }
    assert.equal(requestsBelow(rig), before, 'a refused request reached a disk below');
    await rig.checkAll();
  },
}));

/** The data window of a bio is a part of a buffer: nothing else of the buffer is touched. */
export const windowCases: readonly Case[] = [
  ...[0, 1, 512, 4096, 513].map((offset): Case => ({
    name: `window: at byte ${String(offset)} of a larger buffer`,
    needs: ['bios', 'write'],
    run: (rig) => throughWindow(rig, offset, 17 * rig.disk.block),
  })),
  {
    name: 'window: a write leaves its buffer as it was',
    needs: ['bios', 'write'],
    async run(rig) {
      const count = 40 * rig.disk.block;
      const buffer = new Uint8Array(count * SECTOR_SIZE);
      rig.model.stamp(buffer, 0, 0, count);
      const before = buffer.slice();
      await rig.io({ op: BioOp.Write, sector: 0, count, buffer });
      rig.model.forget(0, count);
      assert.deepEqual(buffer, before, 'the data of a write was changed in its buffer');
    },
  },
  {
    name: 'window: one that is larger than its buffer is refused',
    needs: ['bios'],
    async run(rig) {
      const { block } = rig.disk;
      // A Buffer is stricter about its end than other arrays.
      for (const buffer of [new Uint8Array(block * SECTOR_SIZE), Buffer.alloc(block * SECTOR_SIZE)])
        for (const op of [BioOp.Read, BioOp.Write]) {
          assert.equal(await rig.io({ op, sector: 0, count: 2 * block, buffer }), Status.Inval);
          assert.equal(await rig.io({ op, sector: 0, count: block, buffer, offset: 1 }), Status.Inval);
        }
    },
  },
];

/** Each bio ends once, whoever ends it and whenever. */
export const completionCases: readonly Case[] = [
  {
    name: 'completion: each of 64 bios under way ends once',
    needs: ['bios', 'write'],
    async run(rig) {
      const { block, sectors } = rig.disk;
      const many = Array.from({ length: 64 }, (_, i) => (i * block) % sectors);
      await rig.wait(Promise.all(many.map((sector) => rig.startRead(sector, block))));
      for (const sector of new Set(many)) await rig.write(sector, block);
      await rig.pass(8);
      await rig.checkAll();
    },
  },
  {
    name: 'completion: a write is visible to a read that its end submits',
    needs: ['bios', 'write'],
    run: (rig) => rig.wait(chain(rig, 20)),
  },
  {
    name: 'completion: nothing reads or writes a buffer after its bio has ended',
    needs: ['bios', 'write'],
    async run(rig) {
      const count = 8 * rig.disk.block;
      const buffer = new Uint8Array(count * SECTOR_SIZE);
      const sequence = rig.model.stamp(buffer, 0, 0, count);
      const request = { op: BioOp.Write, sector: 0, count, buffer };
      const status = await rig.io(request);
      buffer.fill(GUARD);
      rig.expectStatus(request, status);
      if (status === Status.Ok) rig.model.wrote(0, count, sequence);
      await rig.pass(20);
      await rig.read(0, count);
      await rig.io({ op: BioOp.Read, sector: 0, count, buffer });
      buffer.fill(GUARD);
      await rig.pass(20);
      assert(isFilled(buffer, GUARD), 'a buffer was written after its read had ended');
    },
  },
];

async function throughWindow(rig: Rig, offset: number, count: number): Promise<void> {
  const bytes = count * SECTOR_SIZE;
  const buffer = new Uint8Array(offset + bytes + 1000).fill(GUARD);
  const sequence = rig.model.stamp(buffer, offset, 0, count);
  const write = { op: BioOp.Write, sector: 0, count, buffer, offset };
  const written = await rig.io(write);
  rig.expectStatus(write, written);
  if (written === Status.Ok) rig.model.wrote(0, count, sequence);
  await rig.read(0, count);
  buffer.fill(GUARD);
  const read = { ...write, op: BioOp.Read };
  const status = await rig.io(read);
  rig.expectStatus(read, status);
  const window = buffer.subarray(offset, offset + bytes);
  if (status === Status.Ok) rig.expectModel(window, 0, 0, count);
  else expectZeroes(window);
  const guarded =
    isFilled(buffer.subarray(0, offset), GUARD) && isFilled(buffer.subarray(offset + bytes), GUARD);
  assert(guarded, 'a read wrote outside its window');
}

/** Writes a block, reads it back from inside the write's end, and so on, without leaving the callbacks. */
function chain(rig: Rig, links: number): Promise<void> {
  const { portDisk: disk, model } = rig;
  const { block } = disk;
  const buffer = new Uint8Array(block * SECTOR_SIZE);
  return new Promise((resolve, reject) => {
    const link = (left: number): void => {
      if (left === 0) {
        resolve();
        return;
      }
      const sequence = model.stamp(buffer, 0, 0, block);
      disk.start({ op: BioOp.Write, sector: 0, count: block, buffer }, (written) => {
        if (written === Status.Ok) model.wrote(0, block, sequence);
        buffer.fill(0);
        disk.start({ op: BioOp.Read, sector: 0, count: block, buffer }, (read) => {
          const problem = read === Status.Ok ? model.check(buffer, 0, 0, block) : undefined;
          if (problem === undefined) link(left - 1);
          else reject(new Error(problem));
        });
      });
    };
    link(links);
  });
}

function requestsBelow(rig: Rig): number {
  return rig.disks.reduce((sum, disk) => sum + disk.requests, 0);
}
