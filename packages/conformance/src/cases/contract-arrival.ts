import assert from 'node:assert/strict';
import { type Bio, fail, type FilterType, PreResult } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { isFilled } from '../tools/bytes.ts';
import { scriptedFilter } from '../tools/scripted.ts';
import { mapOver, openSpare, stateOf } from './contract-tools.ts';

/** Point 7 of the contract of the core: how devices come and go. The rig: one disk, open as `rig.port`. */
export const arrivalCases: readonly Case[] = [
  {
    name: 'contract 7: a device that arrives gets its filters lowest first, before its first bio',
    async run(rig) {
      const events = witnesses(rig);
      for (const filter of ['middle', 'high', 'low']) await rig.wait(rig.engine.addRule('*', filter));
      const { port } = await openSpare(rig);
      await rig.wait(port.read(0, 8));
      assert.deepEqual(events, ['+10', '+20', '+30', 'bio 30', 'bio 20', 'bio 10']);
    },
  },
  {
    name: 'contract 7: a mapped device arrives with its first table, and only then',
    async run(rig) {
      const events = witnesses(rig);
      await rig.wait(rig.engine.addRule('m?', 'low'));
      await rig.wait(rig.engine.create('m1'));
      const port = await rig.wait(rig.engine.open('m1', { claim: 'noexcl' }));
      const table = `0 ${String(rig.disk.sectors)} span ${rig.device} 0 noexcl`;
      await rig.wait(rig.engine.load('m1', table));
      assert.deepEqual(events, []);
      await rig.wait(rig.engine.resume('m1'));
      await rig.wait(port.read(0, 8));
      await rig.wait(rig.engine.load('m1', table));
      await rig.wait(rig.engine.resume('m1'));
      port.close();
      assert.deepEqual(events, ['+10', 'bio 10']);
    },
  },
  {
    name: 'contract 7: a device that cannot get its filter does not arrive',
    async run(rig) {
      const events = witnesses(rig);
      rig.engine.registry.add(
        scriptedFilter('refuser', '20.5', () => {
          throw fail('ENOSPC', 'no room');
        }),
      );
      const before = await stateOf(rig);
      for (const filter of ['high', 'refuser', 'low']) await rig.wait(rig.engine.addRule('*', filter));
      const name = rig.addDisk({ sectors: 64 });
      await assert.rejects(rig.wait(rig.engine.open(name)), { code: 'ENOSPC' });
      await assert.rejects(rig.wait(rig.engine.create('m', { table: `0 8 span ${rig.device} 0 noexcl` })), {
        code: 'ENOSPC',
      });
      assert.deepEqual([await stateOf(rig), events], [before, ['+10', '-10', '+10', '-10']]);
    },
  },
  {
    name: 'contract 7: an orderly removal detaches highest first, and a veto is heard',
    async run(rig) {
      const events = witnesses(rig);
      let veto: string | undefined = 'not yet';
      rig.engine.registry.add(scriptedFilter('objector', '15', () => ({ queryDetach: () => veto })));
      for (const name of ['low', 'high', 'middle', 'objector'])
        await rig.wait(rig.engine.attachFilter(rig.device, name));
      await assert.rejects(rig.wait(rig.engine.detachFilter(rig.device, 'objector')), {
        code: 'EBUSY',
        message: /objector@15 .* not yet/,
      });
      veto = undefined;
      events.length = 0;
      await rig.finish();
      assert.deepEqual(events, ['-30', '-20', '-10']);
    },
  },
  {
    name: 'contract 7: filters that came by a rule go highest first with the last user',
    async run(rig) {
      const events = witnesses(rig);
      for (const filter of ['middle', 'high', 'low']) await rig.wait(rig.engine.addRule('*', filter));
      const port = await rig.wait(rig.engine.open(rig.addDisk({ sectors: 64 })));
      events.length = 0;
      port.close();
      await rig.pass(5);
      assert.deepEqual(events, ['-30', '-20', '-10']);
      assert(!rig.disks.at(-1)!.isOpen, 'the disk stayed open');
    },
  },
  {
    name: 'contract 7: a surprise removal detaches lowest first, asks nobody, and fails what is pending',
    async run(rig) {
      const events = witnesses(rig);
      const kept: Bio[] = [];
      rig.engine.registry.add(
        scriptedFilter('objector', '15', () => ({
          queryDetach: () => assert.fail('it was asked'),
          pre: (bio) => {
            if (bio.sector !== 0) return PreResult.Pass;
            kept.push(bio);
            return PreResult.Taken;
          },
          detach: () => void events.push('-15'),
        })),
      );
      for (const name of ['low', 'high', 'objector', 'middle'])
        await rig.wait(rig.engine.attachFilter(rig.device, name));
      rig.disks[0]!.hold();
      const ends: string[] = [];
      const held = readInto(rig, 0, ends);
      const inside = rig.port.read(8, 8).then(() => ends.push('8 done'));
      events.length = 0;
      await rig.wait(Promise.all([rig.engine.yank(rig.device), held]));
      assert.deepEqual(events, ['-10', '-15', '-20', '-30']);
      await assert.rejects(rig.wait(rig.port.read(0, 8)), { code: 'ENODEV' });
      // What the driver has it ends itself.
      rig.disks[0]!.release();
      await rig.wait(inside);
      assert.deepEqual(ends, ['0 ENODEV', '8 done']);
      kept[0]!.complete(0);
      await rig.pass(5);
    },
  },
  {
    name: 'contract 7: a surprise removal fails the bios that wait at a closed gate',
    async run(rig) {
      await mapOver(rig, 'm', rig.device);
      const { port } = rig;
      rig.use(await rig.wait(rig.engine.open('m', { claim: 'noexcl' })));
      await rig.wait(rig.engine.suspend('m'));
      const ends: string[] = [];
      const parked = readInto(rig, 16, ends);
      await rig.pass(5);
      await rig.wait(rig.engine.yank('m'));
      await rig.wait(parked);
      assert.deepEqual([ends, rig.disks[0]!.requests], [['16 ENODEV'], 0]);
      rig.port.close();
      rig.use(port);
    },
  },
  {
    name: 'contract 7: force detaches a filter that objects, without asking',
    async run(rig) {
      rig.engine.registry.add(
        scriptedFilter('objector', '15', () => ({ queryDetach: () => assert.fail('it was asked') })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'objector'));
      await rig.wait(rig.engine.detachFilter(rig.device, 'objector', { force: true }));
      rig.faults.length = 0;
      await rig.read(0, 8);
    },
  },
  {
    name: 'contract 7: when what stands in is gone, so are the bios, until the remap goes too',
    async run(rig) {
      const { name } = await openSpare(rig);
      await rig.wait(
        rig.engine.create('donor', { table: `0 ${String(rig.disk.sectors)} span ${name} 0 noexcl` }),
      );
      await rig.wait(rig.engine.startRemap('donor', rig.device));
      await rig.wait(rig.engine.yank('donor'));
      await assert.rejects(rig.wait(rig.port.read(0, 8)), { code: 'ENODEV' });
      await rig.wait(rig.engine.detachFilter(rig.device, 'remap'));
      await rig.read(0, 8);
    },
  },
];

/** Registers `low`, `middle` and `high`, which note when they come, go and see a bio. */
function witnesses(rig: Rig): string[] {
  const events: string[] = [];
  const witness = (name: string, altitude: string): FilterType =>
    scriptedFilter(name, altitude, () => {
      events.push(`+${altitude}`);
      return {
        pre: () => {
          events.push(`bio ${altitude}`);
          return PreResult.Pass;
        },
        detach: () => void events.push(`-${altitude}`),
      };
    });
  rig.engine.registry.add(witness('low', '10'), witness('middle', '20'), witness('high', '30'));
  return events;
}

/** Reads and notes the code of the failure; nothing old may be left in the buffer. */
function readInto(rig: Rig, sector: number, ends: string[]): Promise<unknown> {
  const buffer = new Uint8Array(8 * 512).fill(0xee);
  return rig.port.read(sector, 8, buffer).catch((error: unknown) => {
    assert(isFilled(buffer, 0), 'a failed read left old bytes');
    ends.push(`${String(sector)} ${(error as { code?: string }).code ?? ''}`);
  });
}
