import assert from 'node:assert/strict';
import {
  type Bio,
  BioOp,
  bioPool,
  EndResult,
  fail,
  type FilterType,
  PreResult,
  SECTOR_SIZE,
} from '@interposer/core';
import type { Case } from '../cases.ts';
import { scriptedFilter } from '../tools/scripted.ts';
import { requests } from './lifecycle.ts';

/** Points 1 to 7 of the contract of the core: how stacks are edited and what order bios take. The rig: one disk, open as `rig.port`. */
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
      rig.disks[0]!.hold();
      const reading = rig.startRead(0, 8);
      const events: string[] = [];
      const attaching = rig.engine.attachFilter(rig.device, 'watcher').then(() => events.push('attached'));
      await rig.pass(20);
      assert(
        events.length === 0 && device.stack.steps.length === 0,
        'the stack was edited with a bio inside',
      );
      rig.disks[0]!.release();
      await rig.wait(Promise.all([attaching, reading]));
      assert.equal(seen, 0);
    },
  },
  {
    name: 'contract 1: a drain that takes too long names the bio and its holder, and undoes the edit',
    async run(rig) {
      rig.disks[0]!.hold();
      const reading = rig.startRead(16, 8);
      const attaching = rig.engine.attachFilter(rig.device, 'pass');
      await rig.wait(assert.rejects(attaching, { code: 'ETIMEDOUT', message: /read 16\+8 held by driver/ }));
      assert.equal(rig.port.device.stack.steps.length, 0);
      rig.disks[0]!.release();
      await rig.wait(reading);
      await rig.read(0, 8);
    },
  },
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
      await assert.rejects(rig.wait(rig.engine.attachFilter(rig.device, 'refuser')), { code: 'ENOMEM' });
      await rig.wait(running.all);
      assert.equal(device.ports.size, 1, 'the failed attach left a port open');
    },
  },
  {
    name: 'contract 3: a bio keeps its origin through every device',
    async run(rig) {
      const origins = new Set<unknown>();
      const note = (bio: Bio): PreResult => {
        origins.add(bio.origin);
        return PreResult.Pass;
      };
      rig.engine.registry.add(scriptedFilter('noter', '5', () => ({ pre: note })));
      rig.port.close();
      await rig.wait(rig.engine.create('upper', { table: `0 64 span ${rig.spec} 0` }));
      for (const device of ['upper', rig.spec]) await rig.wait(rig.engine.attachFilter(device, 'noter'));
      const port = await rig.wait(rig.engine.open('upper'));
      await rig.wait(port.read(0, 8));
      port.close();
      assert(origins.size === 1 && origins.has(port.device), 'the origin of a bio changed on its way');
    },
  },
  {
    name: 'contract 3: a bio that meets the same filter twice is a reported fault',
    async run(rig) {
      const { port } = rig;
      rig.engine.registry.add(
        scriptedFilter('looper', '5', () => ({
          pre: (bio) => {
            port.forward(bio);
            return PreResult.Taken;
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'looper'));
      await assert.rejects(rig.wait(port.read(0, 8)), { code: 'EIO' });
      assert.match(rig.faults.splice(0).join('\n'), /twice/);
    },
  },
  {
    name: 'contract 4: completing twice is a reported fault and has no effect',
    async run(rig) {
      rig.engine.registry.add(
        scriptedFilter('doubler', '5', () => ({
          pre: (bio) => {
            bio.complete(0);
            bio.complete(5);
            return PreResult.Taken;
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'doubler'));
      await rig.wait(rig.port.read(0, 8));
      assert.match(rig.faults.splice(0).join('\n'), /complete already/);
    },
  },
  {
    name: 'contract 4: a pending bio cannot go back to the pool',
    async run(rig) {
      rig.disks[0]!.hold();
      const bio = bioPool.get();
      bio.op = BioOp.Read;
      bio.count = 1;
      bio.buffer = new Uint8Array(SECTOR_SIZE);
      const ended = new Promise<void>((resolve) => {
        bio.end = () => {
          resolve();
        };
      });
      rig.port.submit(bio);
      assert.throws(() => {
        bioPool.put(bio);
      }, TypeError);
      rig.disks[0]!.release();
      await rig.wait(ended);
      bioPool.put(bio);
    },
  },
  {
    name: 'contract 5: a clash of altitudes is an error, and equal numbers clash however they are written',
    async run(rig) {
      await rig.wait(rig.engine.attachFilter(rig.device, 'pass@140000.50'));
      const clash = rig.engine.attachFilter(rig.device, 'pass@0140000.5');
      await assert.rejects(rig.wait(clash), { code: 'EBUSY' });
      assert.equal((await rig.engine.filters(rig.device)).length, 1);
    },
  },
  {
    name: 'contract 5: the order is that of the altitudes, whoever came first, and reversed on the way up',
    async run(rig) {
      const trace: string[] = [];
      const altitudes = ['9', '100', '9.25', '9.3'];
      rig.engine.registry.add(...altitudes.map((altitude, i) => tracer(`t${String(i)}`, altitude, trace)));
      for (const i of [2, 0, 3, 1]) await rig.wait(rig.engine.attachFilter(rig.device, `t${String(i)}`));
      await rig.read(0, 8);
      const down = ['100', '9.3', '9.25', '9'];
      assert.deepEqual(trace, [
        ...down.map((at) => `pre ${at}`),
        ...[...down].reverse().map((at) => `post ${at}`),
      ]);
    },
  },
  {
    name: 'contract 6: I/O of a filter on its own device enters below it, to other devices at their top',
    async run(rig) {
      const trace: string[] = [];
      rig.engine.registry.add(
        tracer('high', '30', trace),
        scriptedFilter('own', '20', ({ port }) => ({
          pre: (bio) => {
            trace.push('pre 20');
            port.forward(bio);
            return PreResult.Taken;
          },
        })),
        tracer('low', '10', trace),
      );
      for (const name of ['low', 'own', 'high']) await rig.wait(rig.engine.attachFilter(rig.device, name));
      await rig.read(0, 8);
      assert.deepEqual(trace, ['pre 30', 'pre 20', 'pre 10', 'post 10', 'post 30']);
    },
  },
  {
    name: 'contract 7: an orderly removal detaches highest first, and a veto is heard',
    async run(rig) {
      const gone: string[] = [];
      let veto: string | undefined = 'not yet';
      const leaver = (name: string, altitude: string): FilterType =>
        scriptedFilter(name, altitude, () => ({
          queryDetach: () => veto,
          detach: () => void gone.push(altitude),
        }));
      rig.engine.registry.add(leaver('low', '10'), leaver('high', '20'));
      for (const name of ['low', 'high']) await rig.wait(rig.engine.attachFilter(rig.device, name));
      await assert.rejects(rig.wait(rig.engine.detachFilter(rig.device, 'low')), {
        code: 'EBUSY',
        message: /not yet/,
      });
      veto = undefined;
      await rig.finish();
      assert.deepEqual(gone, ['20', '10']);
    },
  },
];

function tracer(name: string, altitude: string, trace: string[]): FilterType {
  return scriptedFilter(name, altitude, () => ({
    pre: () => {
      trace.push(`pre ${altitude}`);
      return PreResult.Watch;
    },
    post: () => {
      trace.push(`post ${altitude}`);
      return EndResult.Done;
    },
  }));
}
