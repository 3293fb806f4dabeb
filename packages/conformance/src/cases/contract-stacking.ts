import assert from 'node:assert/strict';
import { type Edit, MAX_DEPTH } from '@interposer/core';
import type { Case } from '../cases.ts';
import { scriptedFilter } from '../tools/scripted.ts';
import { mapOver, openSpare, refusedWithoutTrace, stateOf, userFilter } from './contract-tools.ts';

/** Points 11 and 12 of the contract of the core: cycles, depth, and what detach forgets. The rig: a device over a disk, open as `rig.port`. */
export const stackingCases: readonly Case[] = [
  {
    name: 'contract 11: a device is not stacked on itself, directly or by another',
    async run(rig) {
      const { engine } = rig;
      await rig.wait(engine.create('a', { table: `0 8 span ${rig.addDisk({ sectors: 8 })} 0` }));
      await rig.wait(engine.create('b', { table: '0 8 span a 0' }));
      await rig.wait(engine.create('c', { table: '0 8 span b 0' }));
      for (const below of ['a', 'b', 'c']) {
        const table = `0 8 span ${below} 0 noexcl`;
        await refusedWithoutTrace(rig, () => engine.load('a', table), 'ELOOP');
        const reload: Edit = { kind: 'reload', device: 'a', table };
        await refusedWithoutTrace(rig, () => engine.transaction([reload]), 'ELOOP');
      }
    },
  },
  {
    name: 'contract 11: neither a remap nor a filter leads a device to itself',
    async run(rig) {
      const { engine } = rig;
      engine.registry.add(userFilter('user', '5'));
      await mapOver(rig, 'm', rig.device);
      await refusedWithoutTrace(rig, () => engine.startRemap('m', 'm'), 'ELOOP');
      await refusedWithoutTrace(rig, () => engine.attachFilter('m', 'user m'), 'ELOOP');
    },
  },
  {
    name: 'contract 11: two devices that stand in for one another are no cycle',
    async run(rig) {
      const { engine, device } = rig;
      const spare = await openSpare(rig);
      await mapOver(rig, 'm', spare.name);
      await mapOver(rig, 'n', device);
      await rig.wait(engine.startRemap('m', device, { altitude: '3' }));
      await rig.wait(engine.startRemap('n', spare.name, { altitude: '3' }));
      // Each shows what the other keeps.
      await rig.fill();
      await rig.checkAll();
      await rig.wait(engine.finishRemap('n'));
      await rig.checkAll();
      await rig.wait(engine.finishRemap('m'));
      rig.expectModel(await rig.wait(spare.port.read(0, 64)), 0, 0, 64);
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
      const create = (): Promise<unknown> => rig.engine.create('x', { table: `0 8 span ${below}` });
      await refusedWithoutTrace(rig, create, 'ELOOP');
      await rig.wait(rig.engine.read(`n${String(MAX_DEPTH)}`, 0, 8));
    },
  },
  {
    name: 'contract 11: remaps count for the depth, and none goes beyond the cap',
    async run(rig) {
      const { engine, device } = rig;
      const { path } = rig.port.device;
      const { rank } = path;
      await rig.fill();
      const { name } = await openSpare(rig);
      const made: string[] = [];
      // Each remap adds the device that stands in, and the way back into the covered one.
      while (path.rank < MAX_DEPTH && made.length < MAX_DEPTH) {
        const donor = `m${String(made.length)}`;
        await mapOver(rig, donor, path.rank < MAX_DEPTH - 1 ? device : name);
        const altitude = String(path.rank < MAX_DEPTH - 1 ? 500 - made.length : 1);
        await rig.wait(engine.startRemap(donor, device, { altitude }));
        made.push(donor);
      }
      assert.equal(path.rank, MAX_DEPTH);
      await rig.wait(rig.port.read(0, 8));
      await refusedWithoutTrace(rig, () => mapOver(rig, 'over', device), 'ELOOP');
      for (const donor of made) await rig.wait(engine.finishRemap(donor));
      assert.equal(path.rank, rank);
      await rig.checkAll();
    },
  },
  {
    name: 'contract 11: what is put below later counts for all that stand above',
    async run(rig) {
      const { engine } = rig;
      const { port, name } = await openSpare(rig);
      let top = name;
      for (let depth = 1; depth < MAX_DEPTH; depth++) {
        await mapOver(rig, `n${String(depth)}`, top);
        top = `n${String(depth)}`;
      }
      await mapOver(rig, 'donor', name);
      await refusedWithoutTrace(rig, () => engine.startRemap('donor', name), 'ELOOP');
      await rig.wait(port.read(0, 8));
      await rig.wait(engine.read(top, 0, 8));
    },
  },
  {
    name: 'contract 12: detach forgets everything: ports, claims, limits, bios and timers',
    async run(rig) {
      const { engine, device } = rig;
      const args: number[] = [];
      engine.registry.add(
        userFilter('user', '5', ({ port, clock }, other) => {
          const timer = clock.after(1e6, () => undefined);
          args.push(port.limits.logicalBlock);
          return {
            limits: (below) => ({ ...below, logicalBlock: 4096 }),
            table: () => other.device.name,
            detach: () => {
              timer.cancel();
            },
          };
        }),
      );
      const before = await stateOf(rig);
      for (let round = 0; round < 3; round++) {
        const name = rig.addDisk({ sectors: 64 });
        await rig.wait(engine.attachFilter(device, `user ${name}`));
        await refusedWithoutTrace(rig, () => engine.open(name), 'EBUSY');
        await rig.wait(rig.port.read(0, 8));
        await rig.wait(engine.detachFilter(device, 'user'));
        assert.deepEqual(await stateOf(rig), before);
        (await rig.wait(engine.open(name))).close();
        assert.deepEqual(await engine.attachFilter(device, 'pass@5').then(({ altitude }) => altitude), '5');
        await rig.wait(engine.detachFilter(device, 'pass@5'));
      }
      assert.deepEqual(args, [512, 512, 512], 'a filter found what an earlier one left');
    },
  },
  {
    name: 'contract 12: a filter that was detached is not called again',
    async run(rig) {
      const calls: string[] = [];
      let gone = false;
      const note = (call: string): void => {
        if (gone) calls.push(call);
      };
      rig.engine.registry.add(
        scriptedFilter('haunt', '5', () => ({
          pre: () => {
            note('pre');
            return 1;
          },
          post: () => {
            note('post');
            return 0;
          },
          limits: (below) => {
            note('limits');
            return below;
          },
          presuspend: () => {
            note('presuspend');
          },
          resume: () => {
            note('resume');
          },
          detach: () => {
            note('detach');
            gone = true;
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'haunt'));
      await rig.read(0, 8);
      await rig.wait(rig.engine.swapFilter(rig.device, 'haunt', 'pass@6'));
      await rig.read(0, 8);
      await rig.wait(rig.engine.detachFilter(rig.device, 'pass@6'));
      assert.deepEqual([gone, calls], [true, []]);
    },
  },
  {
    name: 'contract 12: finishing a remap forgets it',
    async run(rig) {
      await rig.fill();
      await mapOver(rig, 'donor', rig.device);
      const before = await stateOf(rig);
      for (let round = 0; round < 3; round++) {
        await rig.wait(rig.engine.startRemap('donor', rig.device, { altitude: '3' }));
        await rig.checkAll();
        await rig.wait(rig.engine.finishRemap('donor'));
        assert.deepEqual(await stateOf(rig), before);
      }
      await rig.wait(rig.engine.remove('donor'));
    },
  },
];
