import assert from 'node:assert/strict';
import { type Bio, type Port, PreResult } from '@interposer/core';
import type { Case } from '../cases.ts';
import { scriptedFilter } from '../tools/scripted.ts';
import { mapOver, openSpare, tracer, userFilter } from './contract-tools.ts';

/** Points 3 and 6 of the contract of the core: the way of a bio. The rig: a device over a disk, open as `rig.port`. */
export const pathCases: readonly Case[] = [
  {
    name: 'contract 3: a bio keeps its origin through every device, filter and remap',
    async run(rig) {
      const origins = new Set<unknown>();
      const note = (bio: Bio): PreResult => {
        origins.add(bio.origin);
        return PreResult.Pass;
      };
      rig.engine.registry.add(
        scriptedFilter('noter', '5', () => ({ pre: note })),
        scriptedFilter('taker', '6', ({ port }) => ({
          pre: (bio) => {
            port.forward(bio);
            return PreResult.Taken;
          },
        })),
      );
      await mapOver(rig, 'donor', rig.device);
      await mapOver(rig, 'upper', rig.device);
      for (const device of ['upper', rig.device])
        for (const name of ['noter', 'taker']) await rig.wait(rig.engine.attachFilter(device, name));
      await rig.wait(rig.engine.startRemap('donor', rig.device, { altitude: '8' }));
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
    name: 'contract 3: a bio that comes back by way of another device is a reported fault too',
    async run(rig) {
      const { port } = rig;
      const { name } = await openSpare(rig);
      rig.engine.registry.add(
        userFilter('away', '5', (_, other) => ({
          pre: (bio) => {
            bio.port = other;
            return PreResult.Redirect;
          },
        })),
        scriptedFilter('back', '5', () => ({
          pre: (bio) => {
            bio.port = port;
            return PreResult.Redirect;
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, `away ${name}`));
      await rig.wait(rig.engine.attachFilter(name, 'back'));
      await assert.rejects(rig.wait(port.read(0, 8)), { code: 'EIO' });
      assert.match(rig.faults.splice(0).join('\n'), /filter back@5 .* twice/);
      await rig.wait(rig.engine.detachFilter(name, 'back'));
      await rig.wait(port.read(0, 8));
    },
  },
  {
    name: 'contract 6: I/O of a filter on its own device enters below it',
    async run(rig) {
      const trace: string[] = [];
      rig.engine.registry.add(
        tracer('tracer', '30', trace),
        scriptedFilter('own', '20', ({ port }) => ({
          pre: (bio) => {
            trace.push('pre 20');
            port.forward(bio);
            return PreResult.Taken;
          },
        })),
      );
      for (const spec of ['tracer@19.5', 'own', 'tracer@20.5', 'tracer@10'])
        await rig.wait(rig.engine.attachFilter(rig.device, spec));
      await rig.read(0, 8);
      const below = ['pre 20', 'pre 19.5', 'pre 10', 'post 10', 'post 19.5'];
      assert.deepEqual(trace, ['pre 20.5', ...below, 'post 20.5']);
    },
  },
  {
    name: 'contract 6: new I/O of a filter enters there too, whatever is attached later',
    async run(rig) {
      const trace: string[] = [];
      const own: { port?: Port } = {};
      rig.engine.registry.add(
        tracer('tracer', '30', trace),
        scriptedFilter('own', '20', ({ port }) => {
          own.port = port;
          return {};
        }),
      );
      for (const spec of ['own', 'tracer@25', 'tracer@15', 'tracer@5'])
        await rig.wait(rig.engine.attachFilter(rig.device, spec));
      await rig.wait(own.port!.read(0, 8));
      await rig.wait(rig.engine.detachFilter(rig.device, 'tracer@15'));
      await rig.wait(own.port!.read(0, 8));
      assert.deepEqual(trace, ['pre 15', 'pre 5', 'post 5', 'post 15', 'pre 5', 'post 5']);
    },
  },
  {
    name: 'contract 6: I/O of a filter to another device enters at its top',
    async run(rig) {
      const trace: string[] = [];
      const { name } = await openSpare(rig);
      rig.engine.registry.add(
        tracer('tracer', '30', trace),
        userFilter('user', '20', (_, other) => ({
          pre: (bio) => {
            bio.port = other;
            return PreResult.Redirect;
          },
        })),
      );
      for (const spec of ['tracer@30', 'tracer@10']) await rig.wait(rig.engine.attachFilter(name, spec));
      await rig.wait(rig.engine.attachFilter(rig.device, `user ${name}`));
      await rig.wait(rig.port.read(0, 8));
      assert.deepEqual(trace, ['pre 30', 'pre 10', 'post 10', 'post 30']);
    },
  },
  {
    name: 'contract 6: bios of a table under a remap enter its device below the remap',
    async run(rig) {
      await rig.fill();
      const trace: string[] = [];
      rig.engine.registry.add(tracer('tracer', '30', trace));
      await mapOver(rig, 'lower', rig.device);
      await mapOver(rig, 'donor', 'lower');
      for (const spec of ['tracer@30', 'tracer@10'])
        await rig.wait(rig.engine.attachFilter(rig.device, spec));
      await rig.wait(rig.engine.startRemap('donor', rig.device, { altitude: '20' }));
      trace.length = 0;
      await rig.read(0, 8);
      assert.deepEqual(trace, ['pre 30', 'pre 10', 'post 10', 'post 30']);
      await rig.wait(rig.engine.finishRemap('donor'));
      trace.length = 0;
      await rig.wait(rig.engine.read('donor', 0, 8));
      assert.deepEqual(
        trace,
        ['pre 30', 'pre 10', 'post 10', 'post 30'],
        'the table stayed below the altitude',
      );
    },
  },
];
