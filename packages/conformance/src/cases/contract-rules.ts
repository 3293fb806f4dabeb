import assert from 'node:assert/strict';
import { BioOp, ERROR_CODES, isInterposerError, type Limits, opSet, Status } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { scriptedFilter } from '../tools/scripted.ts';
import { mapOver, openSpare, refusedWithoutTrace } from './contract-tools.ts';

/** Points 8 to 10 of the contract of the core: codes, claims, sizes and limits. The rig: a device over a disk, open as `rig.port`. */
export const ruleCases: readonly Case[] = [
  {
    name: 'contract 8: every failure off the data path has a stable code and a text',
    async run(rig) {
      const { engine } = rig;
      const failures = [
        engine.create('a/b'),
        engine.create('x', { table: '0 8 nosuchtype' }),
        engine.create('x', { table: 'nonsense' }),
        engine.info('nobody'),
        engine.attachFilter('nobody', 'pass'),
        engine.attachFilter(rig.device, 'pass@high'),
        engine.detachFilter(rig.device, 'pass'),
        engine.swapFilter(rig.device, 'pass', 'pass'),
        engine.startRemap('nobody', rig.device),
        engine.finishRemap('nobody'),
        engine.yank('nobody'),
        engine.removeRule(77),
        engine.addRule('', 'pass'),
        rig.port.read(rig.disk.sectors, 1),
        rig.port.write(0, new Uint8Array(100)),
      ];
      for (const result of await rig.wait(Promise.allSettled(failures))) {
        assert.equal(result.status, 'rejected');
        const error: unknown = result.reason;
        assert(isInterposerError(error) && error.message.length > 5, String(error));
        assert.equal(ERROR_CODES[error.code].errno, error.errno);
      }
    },
  },
  {
    name: 'contract 8: a bio carries a number, and the edge makes the code of it',
    async run(rig) {
      for (const [status, code] of [
        [Status.Io, 'EIO'],
        [Status.NoSpc, 'ENOSPC'],
        [Status.NoMem, 'ENOMEM'],
        [Status.NotSup, 'ENOTSUP'],
        [Status.TimedOut, 'ETIMEDOUT'],
        [Status.Ilseq, 'EILSEQ'],
      ] as const) {
        rig.disks[0]!.fail(status, { times: 2 });
        assert.equal(
          await rig.io({ op: BioOp.Write, sector: 0, count: 1, buffer: new Uint8Array(512) }),
          status,
        );
        await assert.rejects(rig.wait(rig.port.read(0, 1)), { code });
      }
    },
  },
  {
    name: 'contract 9: a claim is exclusive unless it is said otherwise',
    async run(rig) {
      const { engine, device } = rig;
      await refusedWithoutTrace(rig, () => engine.create('x', { table: `0 8 span ${device} 0` }), 'EBUSY');
      await rig.wait(engine.create('x', { table: `0 8 span ${device} 0 noexcl` }));
      for (const claim of ['exclusive', 'shared'] as const)
        await refusedWithoutTrace(rig, () => engine.open(device, { claim, holder: 'another' }), 'EBUSY');
      (await rig.wait(engine.open(device, { claim: 'noexcl', holder: 'another' }))).close();
      await rig.wait(engine.remove('x'));
    },
  },
  {
    name: 'contract 9: shared claims go together, an exclusive one not with them',
    async run(rig) {
      const { engine, device } = rig;
      const shared = { claim: 'shared', holder: 'one' } as const;
      await mapOver(rig, 'm', device);
      const ports = [await rig.wait(engine.open('m', shared))];
      ports.push(await rig.wait(engine.open('m', { ...shared, holder: 'two' })));
      await refusedWithoutTrace(rig, () => engine.open('m', { holder: 'three' }), 'EBUSY');
      for (const port of ports) port.close();
      (await rig.wait(engine.open('m', { holder: 'three' }))).close();
    },
  },
  {
    name: 'contract 9: two tables may claim one device, a port beside them may not',
    async run(rig) {
      const { engine } = rig;
      await mapOver(rig, 'm', rig.device);
      await rig.wait(engine.create('x', { table: '0 8 span m 0' }));
      await rig.wait(engine.create('y', { table: '0 8 span m 8' }));
      await refusedWithoutTrace(rig, () => engine.open('m'), 'EBUSY');
    },
  },
  {
    name: 'contract 9: a remap claims what stands in for itself alone',
    async run(rig) {
      const { engine, device } = rig;
      const start = (): Promise<unknown> => engine.startRemap('donor', device, { altitude: '3' });
      await mapOver(rig, 'donor', device);
      const user = await rig.wait(engine.open('donor', { claim: 'shared', holder: 'user' }));
      await refusedWithoutTrace(rig, start, 'EBUSY');
      user.close();
      await rig.wait(start());
      await refusedWithoutTrace(rig, () => engine.open('donor'), 'EBUSY');
      await refusedWithoutTrace(rig, () => engine.create('x', { table: '0 8 span donor 0' }), 'EBUSY');
      await refusedWithoutTrace(rig, () => engine.remove('donor'), 'EBUSY');
      const { name } = await openSpare(rig);
      await refusedWithoutTrace(rig, () => engine.startRemap('donor', name), 'EBUSY');
      await rig.wait(engine.finishRemap('donor'));
      (await rig.wait(engine.open('donor'))).close();
    },
  },
  {
    name: 'contract 10: a table does not reach beyond the devices below it',
    async run(rig) {
      const { sectors } = rig.disk;
      const name = rig.addDisk({ sectors });
      for (const table of [`0 ${String(sectors + 8)} span ${name} 0`, `0 8 span ${name} ${String(sectors)}`])
        await assert.rejects(rig.wait(rig.engine.create('x', { table })), {
          code: 'EINVAL',
          message: /too small/,
        });
      assert(!rig.disks.at(-1)!.isOpen, 'the refused table left the disk open');
    },
  },
  {
    name: 'contract 10: what stands in for a device is as large, and stays so',
    async run(rig) {
      const { engine, device } = rig;
      const { sectors } = rig.disk;
      const { name } = await openSpare(rig);
      const table = (length: number): string => `0 ${String(length)} span ${name} 0 noexcl`;
      await rig.wait(engine.create('donor', { table: table(sectors - 8) }));
      const start = (): Promise<unknown> => engine.startRemap('donor', device, { altitude: '3' });
      await refusedWithoutTrace(rig, start, 'EINVAL');
      await rig.wait(engine.load('donor', table(sectors)));
      await rig.wait(engine.resume('donor'));
      await rig.wait(start());
      await refusedWithoutTrace(rig, () => engine.load('donor', table(sectors - 8)), 'EINVAL');
      const reload = { kind: 'reload', device: 'donor', table: table(sectors - 8) } as const;
      await refusedWithoutTrace(rig, () => engine.transaction([reload]), 'EINVAL');
      assert.equal(rig.port.limits.sectors, sectors);
    },
  },
  {
    name: 'contract 10: a filter that hides a part of its device is refused',
    async run(rig) {
      const hide = (below: Limits): Limits => ({ ...below, sectors: below.sectors - 8 });
      rig.engine.registry.add(scriptedFilter('hider', '5', () => ({ limits: hide })));
      await refusedWithoutTrace(rig, () => rig.engine.attachFilter(rig.device, 'hider'), 'EINVAL');
    },
  },
  {
    name: 'contract 10: limits are worked out again after an edit, and ports are told',
    async run(rig) {
      const told = await withBlocky(rig, rig.device);
      const before = { ...rig.port.limits };
      await rig.wait(rig.engine.attachFilter(rig.device, 'blocky'));
      assert.equal((rig.port.device.limits.ops >> BioOp.Discard) & 1, 0);
      await assert.rejects(rig.wait(rig.port.read(1, 8)), { code: 'EINVAL' });
      await assert.rejects(rig.wait(rig.port.read(8, 1)), { code: 'EINVAL' });
      await rig.wait(rig.engine.detachFilter(rig.device, 'blocky'));
      await rig.wait(rig.port.read(1, 1));
      assert.deepEqual([told, rig.port.limits], [[4096, 512], before]);
    },
  },
  {
    name: 'contract 10: devices above follow, tables and remaps',
    async run(rig) {
      const { engine } = rig;
      const spare = await openSpare(rig);
      await mapOver(rig, 'lower', spare.name);
      await mapOver(rig, 'donor', 'lower');
      const told = await withBlocky(rig, rig.device);
      await rig.wait(engine.startRemap('donor', rig.device, { altitude: '3' }));
      await rig.wait(engine.attachFilter(spare.name, 'blocky'));
      assert.deepEqual([rig.port.limits.logicalBlock, told], [4096, [4096]]);
      await assert.rejects(rig.wait(rig.port.read(1, 1)), { code: 'EINVAL' });
      await rig.wait(engine.detachFilter(spare.name, 'blocky'));
      assert.deepEqual([rig.port.limits.logicalBlock, told], [512, [4096, 512]]);
      await rig.wait(engine.finishRemap('donor'));
    },
  },
  {
    name: 'contract 10: a port that fails when it is told is no reason not to edit',
    async run(rig) {
      await withBlocky(rig, rig.device);
      rig.port.onLimits = () => {
        throw new Error('not now');
      };
      await rig.wait(rig.engine.attachFilter(rig.device, 'blocky'));
      assert.match(rig.faults.splice(0).join('\n'), /^port on .*not now$/);
      await rig.wait(rig.port.read(0, 8));
      rig.port.onLimits = null;
    },
  },
];

/** Registers a filter that asks for larger blocks and takes no discards; what the port of the rig is told of block sizes. */
async function withBlocky(rig: Rig, device: string): Promise<number[]> {
  const ops = opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.WriteZeroes);
  const limits = (below: Limits): Limits => ({ ...below, logicalBlock: 4096 });
  rig.engine.registry.add(scriptedFilter('blocky', '5', () => ({ limits }), { ops }));
  const told: number[] = [];
  assert.equal(
    (await rig.engine.filters(device)).some(({ type }) => type === 'blocky'),
    false,
  );
  rig.port.onLimits = ({ logicalBlock }) => told.push(logicalBlock);
  return told;
}
