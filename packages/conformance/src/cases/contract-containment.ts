import assert from 'node:assert/strict';
import { BioOp, bioPool, MapResult, opSet, PreResult, Registry, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { isFilled } from '../tools/bytes.ts';
import { scriptedFilter, scriptedTarget } from '../tools/scripted.ts';
import { spanTarget } from '../tools/span-target.ts';

/** Points 13 to 16 of the contract of the core: plugins fail closed and alone, and show no old data. The rig: one disk, open as `rig.port`. */
export const containmentCases: readonly Case[] = [
  {
    name: 'contract 13: an operation a filter did not declare does not pass it',
    async run(rig) {
      const ops = opSet(BioOp.Read);
      const passes = opSet(BioOp.Write);
      rig.engine.registry.add(scriptedFilter('narrow', '5', () => ({}), { ops, passes }));
      await rig.wait(rig.engine.attachFilter(rig.device, 'narrow'));
      await refuseUndeclared(rig);
    },
  },
  {
    name: 'contract 13: an operation a target did not declare does not pass it',
    async run(rig) {
      const ops = opSet(BioOp.Read, BioOp.Write);
      rig.engine.registry.add(scriptedTarget('narrow', () => ({}), { ops }));
      const spare = rig.addDisk({ sectors: 64 });
      const disk = rig.disks.at(-1)!;
      await rig.wait(rig.engine.create('x', { table: `0 8 narrow ${spare}` }));
      rig.port.close();
      rig.use(await rig.wait(rig.engine.open('x')));
      for (const op of [BioOp.Discard, BioOp.WriteZeroes])
        assert.equal(await rig.io({ op, sector: 0, count: 8 }), Status.NotSup);
      assert.equal(disk.requests, 0);
    },
  },
  {
    name: 'contract 13: a type for another core, a bad name and a taken name are refused',
    async run() {
      const registry = new Registry().add(spanTarget);
      for (const [change, code] of [
        [{ api: 999 }, 'EAPI'],
        [{ name: 'UPPER' }, 'EINVAL'],
        [{ name: 'a-name-that-is-too-long' }, 'EINVAL'],
        [{}, 'EEXIST'],
      ] as const)
        assert.throws(() => registry.add({ ...spanTarget, ...change }), { code });
    },
  },
  {
    name: 'contract 14: a filter that throws is fenced, its bios fail, other devices go on',
    async run(rig) {
      rig.engine.registry.add(scriptedFilter('thrower', '5', () => ({ pre: boom })));
      await rig.wait(rig.engine.attachFilter(rig.device, 'thrower'));
      await fencedAlone(rig, rig.port.device.name);
      await rig.wait(rig.engine.detachFilter(rig.device, 'thrower'));
      await rig.read(0, 8);
    },
  },
  {
    name: 'contract 14: a filter that throws on the way up is fenced too',
    async run(rig) {
      rig.engine.registry.add(
        scriptedFilter('thrower', '5', () => ({ pre: () => PreResult.Watch, post: boom })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'thrower'));
      await fencedAlone(rig, rig.port.device.name);
      await rig.wait(rig.engine.detachFilter(rig.device, 'thrower'));
      await rig.read(0, 8);
    },
  },
  {
    name: 'contract 14: a target that throws is fenced, its bios fail, other devices go on',
    async run(rig) {
      rig.engine.registry.add(scriptedTarget('thrower', () => ({ map: boom })));
      const { sectors } = rig.disk;
      await rig.wait(
        rig.engine.create('x', { table: `0 ${String(sectors)} thrower ${rig.addDisk({ sectors })}` }),
      );
      rig.port.close();
      rig.use(await rig.wait(rig.engine.open('x')));
      await fencedAlone(rig, 'x');
    },
  },
  {
    name: 'contract 15: the pool gives the same bios again, however many requests there are',
    async run(rig) {
      const seen = new Set<unknown>();
      for (let i = 0; i < 2000; i++) {
        const bio = bioPool.get();
        seen.add(bio);
        bioPool.put(bio);
        if (i % 100 === 0) await rig.read(0, 8);
      }
      assert(seen.size < 1000, `2000 requests made ${String(seen.size)} bios`);
    },
  },
  {
    name: 'contract 16: a failed read leaves zeroes, in its window only',
    async run(rig) {
      rig.engine.registry.add(
        scriptedFilter('leaker', '5', () => ({
          pre: (bio) => {
            bio.buffer.fill(0x66, bio.bufferOffset, bio.bufferOffset + SECTOR_SIZE);
            bio.complete(Status.Io);
            return PreResult.Taken;
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'leaker'));
      for (const sector of [0, rig.disk.sectors]) {
        const buffer = new Uint8Array(4 * SECTOR_SIZE).fill(0xee);
        await rig.io({ op: BioOp.Read, sector, count: 2, buffer, offset: SECTOR_SIZE });
        assert(isFilled(buffer.subarray(SECTOR_SIZE, 3 * SECTOR_SIZE), 0), 'old or partial bytes are left');
        assert(
          isFilled(buffer.subarray(0, SECTOR_SIZE), 0xee) && isFilled(buffer.subarray(3 * SECTOR_SIZE), 0xee),
        );
      }
    },
  },
  {
    name: 'contract 16: killed and unmapped reads leave zeroes too',
    async run(rig) {
      rig.engine.registry.add(scriptedTarget('killer', () => ({ map: () => MapResult.Kill })));
      await rig.wait(rig.engine.create('x', { table: `0 8 killer ${rig.addDisk({ sectors: 8 })}` }));
      const into = new Uint8Array(8 * SECTOR_SIZE).fill(0xee);
      const port = await rig.wait(rig.engine.open('x'));
      await assert.rejects(rig.wait(port.read(0, 8, into)), { code: 'EIO' });
      assert(isFilled(into, 0));
      port.close();
    },
  },
];

function boom(): never {
  throw new Error('boom');
}

async function refuseUndeclared(rig: Rig): Promise<void> {
  const disk = rig.disks[0]!;
  for (const op of [BioOp.Flush, BioOp.Discard, BioOp.WriteZeroes]) {
    const request = { op, sector: 0, count: op === BioOp.Flush ? 0 : 8 };
    assert.equal(await rig.io(request), Status.NotSup);
    assert.equal(disk.arrived[op], 0, 'an undeclared operation reached the driver');
  }
  await rig.write(0, 8);
  await rig.read(0, 8);
}

/** Bios of the open device fail and one fault is told; the spare disk serves. */
async function fencedAlone(rig: Rig, name: string): Promise<void> {
  const reads = Array.from({ length: 8 }, (_, i) => rig.port.read(i * 8, 8));
  for (const { status } of await rig.wait(Promise.allSettled(reads))) assert.equal(status, 'rejected');
  const faults = rig.faults.splice(0);
  assert(faults.length > 0 && faults.every((text) => text.includes(`on ${name}: boom`)), faults.join('\n'));
  await rig.wait(rig.engine.write(rig.addDisk({ sectors: 8 }), 0, new Uint8Array(SECTOR_SIZE)));
}
