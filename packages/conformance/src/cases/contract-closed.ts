import assert from 'node:assert/strict';
import { BioOp, type Limits, opSet, PreResult, Registry, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { isFilled } from '../tools/bytes.ts';
import { scriptedFilter, scriptedTarget } from '../tools/scripted.ts';
import { spanTarget } from '../tools/span-target.ts';
import { mapOver, openSpare } from './contract-tools.ts';

/** Points 13 and 16 of the contract of the core: fail closed, and show no old data. The rig: a device over a disk, open as `rig.port`. */
export const closedCases: readonly Case[] = [
  {
    name: 'contract 13: an operation a filter did not declare does not pass it',
    async run(rig) {
      rig.engine.registry.add(narrowFilter());
      await rig.wait(rig.engine.attachFilter(rig.device, 'narrow'));
      await refuseUndeclared(rig);
    },
  },
  {
    name: 'contract 13: nor does it pass a filter under or over a remap',
    async run(rig) {
      rig.engine.registry.add(narrowFilter());
      await mapOver(rig, 'donor', rig.device);
      await rig.wait(rig.engine.startRemap('donor', rig.device, { altitude: '70' }));
      for (const device of [rig.device, 'donor'])
        for (const altitude of ['60', '80']) {
          await rig.wait(rig.engine.attachFilter(device, `narrow@${altitude}`));
          await refuseUndeclared(rig);
          await rig.wait(rig.engine.detachFilter(device, 'narrow'));
        }
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
    name: 'contract 13: an operation a driver does not offer never reaches it, whatever a filter promises',
    async run(rig) {
      const ops = opSet(BioOp.Read, BioOp.Write, BioOp.Flush);
      const promise = (below: Limits): Limits => ({
        ...below,
        ops: opSet(0, 1, 2, 3, 4),
        discardGranularity: 512,
      });
      rig.engine.registry.add(scriptedFilter('boaster', '5', () => ({ limits: promise })));
      const name = rig.addDisk({ sectors: 64, limits: { ops } });
      const port = await rig.wait(rig.engine.open(name));
      await rig.wait(rig.engine.attachFilter(name, 'boaster'));
      await assert.rejects(rig.wait(port.discard(0, 8)), { code: 'ENOTSUP' });
      await assert.rejects(rig.wait(port.writeZeroes(0, 8)), { code: 'ENOTSUP' });
      port.close();
      assert.equal(rig.disks.at(-1)!.requests, 0);
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
      for (const sector of [0, rig.disk.sectors]) await failedRead(rig, sector, 2);
    },
  },
  {
    name: 'contract 16: a read of which one piece fails leaves zeroes in all of it',
    async run(rig) {
      await rig.fill();
      const { name } = await openSpare(rig);
      const half = rig.disk.sectors / 2;
      const row = (start: number, device: string): string =>
        `${String(start)} ${String(half)} span ${device} ${String(start)} noexcl`;
      await rig.wait(rig.engine.create('donor', { table: `${row(0, rig.device)}\n${row(half, name)}` }));
      await rig.wait(rig.engine.startRemap('donor', rig.device, { altitude: '3' }));
      rig.disks.at(-1)!.fail(Status.NoData);
      assert.equal(await failedRead(rig, half - 8, 16), Status.NoData);
      await rig.read(half - 8, 8);
    },
  },
  {
    name: 'contract 16: killed, late and turned down reads leave zeroes too',
    async run(rig) {
      await rig.fill();
      const { port } = rig;
      rig.engine.registry.add(
        scriptedTarget('killer', () => ({ map: () => 4 })),
        scriptedFilter('spoiler', '5', () => ({
          pre: () => PreResult.Watch,
          post: (bio) => {
            bio.status = Status.Ilseq;
            return 0;
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'spoiler'));
      assert.equal(await failedRead(rig, 0, 2), Status.Ilseq);
      await rig.wait(rig.engine.create('x', { table: `0 8 killer ${rig.addDisk({ sectors: 8 })}` }));
      const killed = await rig.wait(rig.engine.open('x'));
      rig.use(killed);
      assert.equal(await failedRead(rig, 0, 8), Status.Io);
      killed.close();
      assert.equal(await failedRead(rig, 0, 8), Status.NoDev);
      rig.use(port);
    },
  },
];

function narrowFilter(): ReturnType<typeof scriptedFilter> {
  const ops = opSet(BioOp.Read);
  const passes = opSet(BioOp.Write);
  return scriptedFilter('narrow', '5', () => ({}), { ops, passes });
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

/** A read that is to fail: its window is zeroes then, and what lies around it is as it was. */
async function failedRead(rig: Rig, sector: number, count: number): Promise<Status> {
  const before = 512;
  const buffer = new Uint8Array((count + 2) * SECTOR_SIZE).fill(0xee);
  const status = await rig.io({ op: BioOp.Read, sector, count, buffer, offset: before });
  const end = before + count * SECTOR_SIZE;
  assert.notEqual(status, Status.Ok);
  assert(isFilled(buffer.subarray(before, end), 0), 'old or partial bytes are left');
  const around = [buffer.subarray(0, before), buffer.subarray(end)];
  assert(
    around.every((bytes) => isFilled(bytes, 0xee)),
    'bytes around the window were touched',
  );
  return status;
}
