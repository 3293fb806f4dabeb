import assert from 'node:assert/strict';
import { type Bio, type Edit, type FilterType, type Port, PreResult } from '@interposer/core';
import type { Case } from '../cases.ts';
import { handled, type Rig } from '../rig.ts';
import { scriptedFilter, scriptedTarget } from '../tools/scripted.ts';
import { mapOver, openSpare, stackOf, stateOf } from './contract-tools.ts';
import { requests } from './lifecycle.ts';

/** Point 1 of the contract of the core: edits of stacks and tables. The rig: a device over a disk, open as `rig.port`. */
export const editCases: readonly Case[] = [
  {
    name: 'contract 1: the stack changes only with the gate closed and nothing inside',
    async run(rig) {
      const { device } = rig.port;
      let seen = -1;
      rig.engine.registry.add(
        scriptedFilter('watcher', '5', () => ({
          resume: () => {
            seen = device.gate.inflight;
            assert(device.gate.closed);
          },
        })),
      );
      const before = stackOf(device);
      rig.disks[0]!.hold();
      const reading = rig.startRead(0, 8);
      const attaching = rig.engine.attachFilter(rig.device, 'watcher');
      await rig.pass(20);
      assert.deepEqual(stackOf(device), before, 'the stack was edited with a bio inside');
      rig.disks[0]!.release();
      await rig.wait(Promise.all([attaching, reading]));
      assert.equal(seen, 0);
    },
  },
  {
    name: 'contract 1: bios that come to a closed gate wait, and go on in the order they came',
    async run(rig) {
      rig.disks[0]!.hold();
      const inside = rig.startRead(0, 8);
      const attaching = rig.engine.attachFilter(rig.device, 'pass@5');
      await rig.pass(20);
      const arrived = rig.disks[0]!.requests;
      const ends: number[] = [];
      const waiting = [5, 3, 4, 1].map((at) => rig.startRead(at * 8, 8).then(() => ends.push(at)));
      await rig.pass(20);
      assert.equal(rig.disks[0]!.requests, arrived, 'a bio passed a closed gate');
      rig.disks[0]!.release();
      await rig.wait(Promise.all([attaching, inside, ...waiting]));
      assert.deepEqual(ends, [5, 3, 4, 1]);
    },
  },
  {
    name: 'contract 1: a drain that takes too long names the bio and its holder, and undoes the edit',
    async run(rig) {
      rig.disks[0]!.hold();
      const reading = rig.startRead(16, 8);
      const before = stackOf(rig.port.device);
      const attaching = rig.engine.attachFilter(rig.device, 'pass');
      await rig.wait(assert.rejects(attaching, { code: 'ETIMEDOUT', message: /read 16\+8 held by driver/ }));
      assert.deepEqual(stackOf(rig.port.device), before);
      rig.disks[0]!.release();
      await rig.wait(reading);
      await rig.read(0, 8);
    },
  },
  {
    name: 'contract 1: edits of several devices take effect at one moment',
    async run(rig) {
      const spare = await openSpare(rig);
      const devices = [rig.port.device, spare.port.device];
      const states = new Set<string>();
      const note = (): void => {
        states.add(devices.map((device) => stackOf(device).find((name) => name.endsWith('@10'))).join());
      };
      const pre = (): PreResult => {
        note();
        return PreResult.Pass;
      };
      rig.engine.registry.add(
        scriptedFilter('old', '10', () => ({ pre })),
        scriptedFilter('new', '10', () => ({ pre, resume: note })),
      );
      for (const device of [rig.device, spare.name]) await rig.wait(rig.engine.attachFilter(device, 'old'));
      const running = await underWay(rig, spare.port);
      const swap = (device: string): Edit => ({ kind: 'swap', device, old: 'old', new: 'new' });
      const edit = rig.engine.transaction([swap(rig.device), swap(spare.name)]);
      await rig.pass(20);
      const later = [rig.startRead(0, 8), spare.port.read(0, 8)];
      for (const disk of rig.disks) disk.release();
      await rig.wait(Promise.all([edit, ...running, ...later]));
      await rig.read(8, 8);
      assert.deepEqual([...states].sort(), ['new@10,new@10', 'old@10,old@10']);
    },
  },
  {
    name: 'contract 1: a transaction has one time bound, reports what is stuck, and changes no device',
    async run(rig) {
      const spare = await openSpare(rig);
      const running = await underWay(rig, spare.port);
      const { clock } = rig;
      clock!.after(900, () => {
        rig.disks[0]!.release();
      });
      const stacks = [stackOf(rig.port.device), stackOf(spare.port.device)];
      const begin = clock!.now();
      const edits = [rig.device, spare.name].map((device): Edit => ({
        kind: 'attach',
        device,
        filter: 'pass@5',
      }));
      const stuck = new RegExp(`${spare.port.device.name} did not drain .*read 24\\+8 held by driver`);
      await rig.wait(assert.rejects(rig.engine.transaction(edits), { code: 'ETIMEDOUT', message: stuck }));
      const took = clock!.now() - begin;
      assert(took <= 1100, `the drain took ${String(took)} ms of at most 1000`);
      assert.deepEqual([stackOf(rig.port.device), stackOf(spare.port.device)], stacks);
      rig.disks.at(-1)!.release();
      await rig.wait(Promise.all(running));
      await rig.read(0, 8);
      await rig.wait(spare.port.read(0, 8));
    },
  },
  {
    name: 'contract 1: a bio that enters below a closed gate is waited for',
    async run(rig) {
      const { device } = rig.port;
      const own: { port?: Port; reading?: Promise<Uint8Array> } = {};
      rig.engine.registry.add(
        scriptedFilter('own', '20', ({ port }) => {
          own.port = port;
          return {};
        }),
        scriptedTarget('starter', () => ({
          // The gates are closed, and nothing is inside.
          preresume: () => {
            own.reading = own.port!.read(32, 8);
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'own'));
      const { name } = await openSpare(rig);
      await mapOver(rig, 'm', name);
      rig.disks[0]!.hold();
      const table = `0 ${String(rig.disk.sectors)} starter ${name}`;
      const edit = rig.engine.transaction([
        { kind: 'attach', device: rig.device, filter: 'pass@5' },
        { kind: 'reload', device: 'm', table },
      ]);
      await rig.pass(20);
      assert(own.reading !== undefined && device.gate.inflight > 0);
      assert(!stackOf(device).includes('pass@5'), 'the stack changed with a bio inside');
      rig.disks[0]!.release();
      await rig.wait(Promise.all([edit, own.reading]));
      assert(stackOf(device).includes('pass@5'));
    },
  },
  {
    name: 'contract 1: filters are told to let go of their bios before the drain',
    async run(rig) {
      rig.engine.registry.add(keeper());
      await rig.wait(rig.engine.attachFilter(rig.device, 'keeper'));
      const reads = [rig.startRead(0, 8), rig.startRead(8, 8)];
      await rig.wait(rig.engine.swapFilter(rig.device, 'keeper', 'pass'));
      await rig.wait(Promise.all(reads));
    },
  },
  {
    name: 'contract 1: a device and one below it drain from the top',
    async run(rig) {
      rig.engine.registry.add(keeper());
      await mapOver(rig, 'm', rig.device);
      await rig.wait(rig.engine.attachFilter('m', 'keeper'));
      const port = await rig.wait(rig.engine.open('m'));
      const reading = port.read(0, 8);
      const attach = (device: string): Edit => ({ kind: 'attach', device, filter: 'pass@6' });
      await rig.wait(rig.engine.transaction([attach(rig.device), attach('m')]));
      await rig.wait(reading);
      port.close();
    },
  },
  {
    name: 'contract 1: remaps and table swaps come and go under load, and no bio is lost',
    async run(rig) {
      await rig.fill();
      await mapOver(rig, 'm', rig.device);
      const before = await stateOf(rig);
      for (const altitude of ['777', '3', '777']) {
        await underLoad(rig, () => rig.engine.startRemap('m', rig.device, { altitude }));
        const [{ params } = { params: '' }] = await rig.engine.table('m');
        const table = `0 ${String(rig.disk.sectors)} span ${params} noexcl`;
        await underLoad(rig, () => rig.engine.transaction([{ kind: 'reload', device: 'm', table }]));
        await underLoad(rig, () => rig.engine.finishRemap('m'));
      }
      await rig.checkAll();
      assert.deepEqual(await stateOf(rig), before);
    },
  },
];

/** A filter that keeps its bios until it has to let go. */
function keeper(): FilterType {
  return scriptedFilter('keeper', '5', ({ port }) => {
    const kept: Bio[] = [];
    return {
      pre: (bio) => {
        kept.push(bio);
        return PreResult.Taken;
      },
      presuspend: () => {
        for (const bio of kept.splice(0)) port.forward(bio);
      },
    };
  });
}

/** One read held inside the device under test, and one inside the spare one. */
async function underWay(rig: Rig, spare: Port): Promise<Promise<unknown>[]> {
  for (const disk of rig.disks) disk.hold();
  const running = [rig.startRead(16, 8), spare.read(24, 8)];
  await rig.pass(2);
  return running;
}

/** Edits with many bios inside, which end in another order, and many that wait at the gate. */
async function underLoad(rig: Rig, edit: () => Promise<unknown>): Promise<void> {
  rig.disks[0]!.hold();
  const inside = requests(rig, 16);
  const editing = handled(edit());
  await rig.pass(3);
  const waiting = requests(rig, 16);
  assert.equal(inside.ended() + waiting.ended(), 0);
  rig.disks[0]!.release('newest');
  await rig.wait(Promise.all([inside.all, editing, waiting.all]));
}
