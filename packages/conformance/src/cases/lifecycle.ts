import assert from 'node:assert/strict';
import { BioOp, bioPool, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case, Need } from '../cases.ts';
import { handled, type Rig } from '../rig.ts';

const MAPPED: readonly Need[] = ['bios', 'mapped device'];

/** States a device goes through while clients use it. */
export const lifecycleCases: readonly Case[] = [
  {
    name: 'lifecycle: bios wait while suspended and go on after resume',
    needs: MAPPED,
    async run(rig) {
      await rig.fill();
      await rig.wait(rig.engine.suspend(rig.device));
      const running = requests(rig, 16);
      await rig.pass(20);
      assert.equal(running.ended(), 0, 'bios ended on a suspended device');
      await rig.wait(rig.engine.resume(rig.device));
      await rig.wait(running.all);
      await rig.checkAll();
    },
  },
  {
    name: 'lifecycle: nothing reaches a disk below while suspended',
    needs: [...MAPPED, 'disks below'],
    async run(rig) {
      await rig.fill();
      const running = requests(rig, 16);
      await rig.wait(rig.engine.suspend(rig.device));
      const before = rig.disks.map((disk) => disk.requests);
      await rig.pass(100);
      const after = rig.disks.map((disk) => disk.requests);
      await rig.wait(rig.engine.resume(rig.device));
      await rig.wait(running.all);
      assert.deepEqual(after, before, 'requests went down behind a closed gate');
      await rig.checkAll();
    },
  },
  {
    name: 'lifecycle: suspend waits for the bios under way',
    needs: [...MAPPED, 'disks below'],
    async run(rig) {
      await rig.fill();
      for (const disk of rig.disks) disk.hold();
      const running = requests(rig, 8);
      const events: string[] = [];
      const suspending = rig.engine.suspend(rig.device).then(() => events.push('suspended'));
      await rig.pass(20);
      const held = rig.disks.reduce((sum, disk) => sum + disk.held.length, 0);
      assert(events.length === 0 || held === 0, 'the device was suspended with bios under way below');
      for (const disk of rig.disks) disk.release('newest');
      await rig.wait(suspending);
      await rig.wait(rig.engine.resume(rig.device));
      await rig.wait(running.all);
      await rig.checkAll();
    },
  },
  {
    name: 'lifecycle: a drain that takes too long names what is stuck, and all goes on',
    needs: [...MAPPED, 'disks below', 'kept data'],
    async run(rig) {
      await rig.fill();
      for (const disk of rig.disks) disk.hold();
      const reading = rig.startRead(rig.first, rig.disk.block);
      const suspending = rig.engine.suspend(rig.device);
      await rig.wait(
        assert.rejects(suspending, (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ETIMEDOUT');
          assert.match(error.message, /read \d+\+\d+ held by /);
          return true;
        }),
      );
      for (const disk of rig.disks) disk.release();
      await rig.wait(reading);
      await rig.checkAll();
    },
  },
  {
    name: 'lifecycle: suspend and resume are the same once and twice',
    needs: MAPPED,
    async run(rig) {
      const { engine, device } = rig;
      await rig.wait(engine.suspend(device));
      await rig.wait(engine.suspend(device, { noflush: true }));
      await rig.wait(engine.resume(device));
      await rig.wait(engine.resume(device));
      await rig.fill();
      await rig.wait(engine.suspend(device, { noflush: true }));
      await rig.wait(engine.resume(device));
      await rig.checkAll();
    },
  },
  {
    name: 'lifecycle: a device that is open is not removed',
    needs: MAPPED,
    async run(rig) {
      await rig.fill();
      await assert.rejects(rig.wait(rig.engine.remove(rig.device)), { code: 'EBUSY' });
      await rig.checkAll();
    },
  },
];

/** States of a port, and edits of the filter stack under load: for every kind of device. */
export const portCases: readonly Case[] = [
  {
    name: 'lifecycle: a closed port refuses',
    needs: ['bios'],
    async run(rig) {
      const port = await rig.wait(rig.engine.open(rig.device, { claim: 'noexcl' }));
      port.close();
      port.close();
      for (const op of [BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard, BioOp.WriteZeroes]) {
        const bio = bioPool.get();
        bio.op = op;
        bio.count = op === BioOp.Flush ? 0 : rig.disk.block;
        bio.buffer = new Uint8Array(bio.count * SECTOR_SIZE);
        const status = await rig.wait(
          new Promise<Status>((resolve) => {
            bio.end = (done) => {
              resolve(done.status);
            };
            port.submit(bio);
          }),
        );
        bioPool.put(bio);
        assert.equal(status, Status.NoDev);
      }
    },
  },
  {
    name: 'lifecycle: bios under way end when their port is closed',
    needs: ['bios'],
    async run(rig) {
      const { block } = rig.disk;
      const port = await rig.wait(rig.engine.open(rig.device, { claim: 'noexcl' }));
      const reads = Array.from({ length: 8 }, (_, i) => port.read(rig.first + i * block, block));
      port.close();
      const results = await rig.wait(Promise.allSettled(reads));
      const expected = rig.content === 'error' ? 'rejected' : 'fulfilled';
      for (const { status } of results) assert.equal(status, expected);
    },
  },
  {
    name: 'lifecycle: a filter is slid over the device and taken away under load',
    needs: ['bios'],
    async run(rig) {
      await rig.fill();
      for (let round = 0; round < 3; round++) {
        const running = requests(rig, 16);
        await rig.wait(rig.engine.attachFilter(rig.device, 'pass@777'));
        const more = requests(rig, 16);
        await rig.wait(rig.engine.detachFilter(rig.device, 'pass@777'));
        await rig.wait(Promise.all([running.all, more.all]));
      }
      await rig.checkAll();
    },
  },
];

/** Many reads under way, and how many of them have ended. */
export function requests(rig: Rig, wanted: number): { all: Promise<unknown>; ended: () => number } {
  let ended = 0;
  const count = rig.disk.block;
  const all = Array.from({ length: wanted }, async (_, i) => {
    await rig.startRead((i * 3 * count) % rig.disk.sectors, count);
    ended++;
  });
  return { all: handled(Promise.all(all)), ended: () => ended };
}
