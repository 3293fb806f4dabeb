import assert from 'node:assert/strict';
import { type Edit, fail } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { scriptedFilter, scriptedTarget } from '../tools/scripted.ts';
import { mapOver, openSpare, refusedWithoutTrace, stackOf, stateOf, userFilter } from './contract-tools.ts';
import { requests } from './lifecycle.ts';

/** Point 2 of the contract of the core: what edits acquire. The rig: a device over a disk, open as `rig.port`. */
export const acquireCases: readonly Case[] = [
  {
    name: 'contract 2: what can fail fails before the gate closes, and leaves nothing',
    async run(rig) {
      const { device } = rig.port;
      rig.engine.registry.add(
        scriptedFilter('refuser', '5', () => {
          assert(!device.gate.closed, 'attach was called behind a closed gate');
          throw fail('ENOMEM', 'no memory');
        }),
      );
      const running = requests(rig, 16);
      await rig.wait(running.all);
      await refusedWithoutTrace(rig, () => rig.engine.attachFilter(rig.device, 'refuser'), 'ENOMEM');
    },
  },
  {
    name: 'contract 2: bios go on while an edit acquires what it needs',
    async run(rig) {
      const type = scriptedFilter('slow', '5', () => ({}));
      const { clock } = rig;
      rig.engine.registry.add({
        ...type,
        attach: async (context, args) => {
          await new Promise<void>((resolve) => void clock!.after(200, resolve));
          return type.attach(context, args);
        },
      });
      const attaching = rig.engine.attachFilter(rig.device, 'slow');
      await rig.pass(20);
      await rig.wait(requests(rig, 16).all);
      assert(clock!.now() < 200, 'bios waited for the edit');
      await rig.wait(attaching);
    },
  },
  {
    name: 'contract 2: whichever edit of a transaction fails, nothing is left of the others',
    async run(rig) {
      const gone: string[] = [];
      const edits = await severalEdits(rig, gone);
      const failing: Edit = { kind: 'attach', device: rig.device, filter: 'refuser' };
      for (let at = 0; at <= edits.length; at++) {
        gone.length = 0;
        const some = [...edits.slice(0, at), failing, ...edits.slice(at)];
        await refusedWithoutTrace(rig, () => rig.engine.transaction(some), 'ENOMEM');
        const attached = edits.slice(0, at).filter(({ kind }) => kind === 'attach' || kind === 'swap').length;
        assert.equal(gone.length, attached, 'a filter that was made was not given up, or one was twice');
        await rig.read(0, 8);
      }
      await rig.wait(rig.engine.transaction(edits));
      assert((await rig.engine.remaps()).some(({ mapped }) => mapped === 'donor'));
    },
  },
  {
    name: 'contract 2: a drain that fails gives up all that was acquired',
    async run(rig) {
      const edits = await severalEdits(rig, []);
      rig.disks[0]!.hold();
      const reading = rig.startRead(0, 8);
      await refusedWithoutTrace(rig, () => rig.engine.transaction(edits), 'ETIMEDOUT');
      rig.disks[0]!.release();
      await rig.wait(reading);
      await rig.wait(rig.engine.transaction(edits));
    },
  },
  {
    name: 'contract 2: a table that cannot start, and a filter without limits, change nothing',
    async run(rig) {
      rig.engine.registry.add(
        scriptedTarget('unable', () => ({
          preresume: () => {
            throw fail('EIO', 'bad metadata');
          },
        })),
        scriptedFilter('boundless', '5', () => ({
          limits: () => {
            throw fail('ENOSPC', 'no limits');
          },
        })),
      );
      const { name } = await openSpare(rig);
      await mapOver(rig, 'm', name);
      const attach = (filter: string): Edit => ({ kind: 'attach', device: rig.device, filter });
      const table = `0 ${String(rig.disk.sectors)} unable ${name}`;
      const reload: Edit = { kind: 'reload', device: 'm', table };
      await refusedWithoutTrace(rig, () => rig.engine.transaction([attach('pass@7'), reload]), 'EIO');
      const edits = [attach('pass@7'), attach('boundless')];
      await refusedWithoutTrace(rig, () => rig.engine.transaction(edits), 'ENOSPC');
      await rig.read(0, 8);
      await rig.wait(rig.engine.read('m', 0, 8));
    },
  },
  {
    name: 'contract 2: what is in place stays, whatever a filter that left says to it',
    async run(rig) {
      const gone: string[] = [];
      rig.engine.registry.add(
        scriptedFilter('sore', '5', () => ({ detach: () => Promise.reject(fail('EIO', 'it hurts')) })),
        scriptedFilter('told', '6', () => ({ detach: () => void gone.push('told') })),
      );
      const before = await stateOf(rig);
      for (const name of ['sore', 'told']) await rig.wait(rig.engine.attachFilter(rig.device, name));
      const edits = ['sore', 'told'].map((filter): Edit => ({ kind: 'detach', device: rig.device, filter }));
      await rig.wait(assert.rejects(rig.engine.transaction(edits), { code: 'EIO', message: 'it hurts' }));
      assert.deepEqual([await stateOf(rig), gone], [before, ['told']]);
    },
  },
  {
    name: 'contract 2: a swap whose new filter cannot be keeps the old one',
    async run(rig) {
      await severalEdits(rig, []);
      await rig.wait(rig.engine.attachFilter(rig.device, 'pass@5'));
      const swap = (): Promise<unknown> => rig.engine.swapFilter(rig.device, 'pass@5', 'refuser');
      await refusedWithoutTrace(rig, swap, 'ENOMEM');
      assert(stackOf(rig.port.device).includes('pass@5'));
    },
  },
];

/** Edits of each kind over three devices, of which one is not open before. `gone` hears of each filter that is given up. */
async function severalEdits(rig: Rig, gone: string[]): Promise<Edit[]> {
  const { engine } = rig;
  const detach = (name: string) => (): void => void gone.push(name);
  engine.registry.add(
    scriptedFilter('refuser', '4', () => {
      throw fail('ENOMEM', 'no memory');
    }),
    scriptedFilter('plain', '10', () => ({ detach: detach('plain') })),
    userFilter('user', '12', () => ({ detach: detach('user') })),
  );
  const spare = await openSpare(rig);
  const unopened = rig.addDisk({ sectors: rig.disk.sectors });
  await mapOver(rig, 'm', spare.name);
  await mapOver(rig, 'donor', spare.name);
  await rig.wait(engine.attachFilter(spare.name, 'pass@20'));
  return [
    { kind: 'attach', device: rig.device, filter: `user ${unopened}` },
    { kind: 'attach', device: spare.name, filter: 'plain' },
    { kind: 'swap', device: spare.name, old: 'pass', new: 'plain@21' },
    { kind: 'reload', device: 'm', table: `0 ${String(rig.disk.sectors)} span ${unopened} 0 noexcl` },
    { kind: 'remap-start', mapped: 'donor', device: rig.device, altitude: '30' },
    { kind: 'attach', device: 'm', filter: 'plain' },
  ];
}
