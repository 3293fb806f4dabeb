import assert from 'node:assert/strict';
import { BioOp, ERROR_CODES, isInterposerError, MAX_DEPTH, opSet } from '@interposer/core';
import type { Case } from '../cases.ts';
import { scriptedFilter } from '../tools/scripted.ts';

/** Points 8 to 12 of the contract of the core: codes, claims, limits, cycles. The rig: one disk, open as `rig.port`. */
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
    name: 'contract 9: a claim is exclusive unless it is said otherwise',
    async run(rig) {
      const { engine, device } = rig;
      await assert.rejects(rig.wait(engine.create('x', { table: `0 8 span ${device} 0` })), {
        code: 'EBUSY',
      });
      await rig.wait(engine.create('x', { table: `0 8 span ${device} 0 noexcl` }));
      await assert.rejects(rig.wait(engine.open(device, { claim: 'exclusive', holder: 'another' })), {
        code: 'EBUSY',
      });
      (await rig.wait(engine.open(device, { claim: 'noexcl', holder: 'another' }))).close();
      await rig.wait(engine.remove('x'));
    },
  },
  {
    name: 'contract 9: two tables may claim one disk, a port beside them may not',
    async run(rig) {
      const { engine, spec } = rig;
      rig.port.close();
      await rig.wait(engine.create('x', { table: `0 8 span ${spec} 0` }));
      await rig.wait(engine.create('y', { table: `0 8 span ${spec} 8` }));
      await assert.rejects(rig.wait(engine.open(spec)), { code: 'EBUSY' });
    },
  },
  {
    name: 'contract 10: a table does not reach beyond the devices below it',
    async run(rig) {
      const { sectors } = rig.disk;
      rig.port.close();
      for (const table of [
        `0 ${String(sectors + 8)} span ${rig.spec} 0`,
        `0 8 span ${rig.spec} ${String(sectors)}`,
      ])
        await assert.rejects(rig.wait(rig.engine.create('x', { table })), {
          code: 'EINVAL',
          message: /too small/,
        });
      assert(!rig.disks[0]!.isOpen, 'the refused table left the disk open');
    },
  },
  {
    name: 'contract 10: limits are worked out again after an edit, and ports are told',
    async run(rig) {
      const noDiscard = opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.WriteZeroes);
      rig.engine.registry.add(
        scriptedFilter('blocky', '5', () => ({ limits: (below) => ({ ...below, logicalBlock: 4096 }) }), {
          ops: noDiscard,
        }),
      );
      const told: number[] = [];
      rig.port.onLimits = ({ logicalBlock }) => told.push(logicalBlock);
      await rig.wait(rig.engine.attachFilter(rig.device, 'blocky'));
      assert.equal((rig.port.device.limits.ops >> BioOp.Discard) & 1, 0);
      await assert.rejects(rig.wait(rig.port.read(1, 8)), { code: 'EINVAL' });
      await assert.rejects(rig.wait(rig.port.read(8, 1)), { code: 'EINVAL' });
      await rig.wait(rig.engine.detachFilter(rig.device, 'blocky'));
      await rig.wait(rig.port.read(1, 1));
      assert.deepEqual(told, [4096, 512]);
    },
  },
  {
    name: 'contract 11: a device is not stacked on itself, directly or by another',
    async run(rig) {
      const { engine } = rig;
      await rig.wait(engine.create('a', { table: `0 8 span ${rig.addDisk({ sectors: 8 })} 0` }));
      await rig.wait(engine.create('b', { table: '0 8 span a 0' }));
      await assert.rejects(rig.wait(engine.load('a', '0 8 span a 0 noexcl')), { code: 'ELOOP' });
      await assert.rejects(rig.wait(engine.load('a', '0 8 span b 0')), { code: 'ELOOP' });
    },
  },
  {
    name: 'contract 11: a stack deeper than the cap is refused, one at the cap works',
    async run(rig) {
      let below = `${rig.addDisk({ sectors: 8 })} 0`;
      for (let depth = 1; depth <= MAX_DEPTH; depth++) {
        await rig.wait(rig.engine.create(`n${String(depth)}`, { table: `0 8 span ${below}` }));
        below = `n${String(depth)} 0`;
      }
      await assert.rejects(rig.wait(rig.engine.create('x', { table: `0 8 span ${below}` })), {
        code: 'ELOOP',
      });
      await rig.wait(rig.engine.read(`n${String(MAX_DEPTH)}`, 0, 8));
    },
  },
  {
    name: 'contract 12: detach forgets everything',
    async run(rig) {
      const { device } = rig.port;
      const before = { ...device.limits };
      await rig.wait(rig.engine.attachFilter(rig.device, 'pass'));
      await rig.wait(rig.engine.detachFilter(rig.device, 'pass'));
      assert.deepEqual(device.limits, before);
      assert.equal(device.ports.size, 1);
      assert.deepEqual(await rig.engine.filters(rig.device), []);
    },
  },
];
