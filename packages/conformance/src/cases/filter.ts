import assert from 'node:assert/strict';
import { ALL_OPS, BioOp, OP_COUNT, parseAltitude, Registry, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Content, FilterPlug } from '../plugs.ts';
import type { Rig } from '../rig.ts';
import { requests } from './lifecycle.ts';

/** A filter type ready to be tried. */
export interface FilterRig {
  readonly plug: FilterPlug;
  readonly sectors: number;
  readonly content: Content;
  /** What to attach it with at an altitude. */
  readonly specAt: (rig: Rig, altitude: string) => string;
}

/** What holds for each filter type: attach, detach, its text, its declared operations. */
export function filterCases(subject: FilterRig): readonly Case[] {
  return [...typeCases(subject), ...attachCases(subject), ...detachCases(subject)];
}

function typeCases({ plug: { type } }: FilterRig): Case[] {
  return [
    {
      name: 'type: can be registered, its altitude is canonical, its operations are declared once',
      async run() {
        new Registry().add(type);
        assert.equal(
          parseAltitude(type.altitude),
          type.altitude,
          'the default altitude is not in canonical form',
        );
        assert.equal(type.ops & type.passes, 0, 'an operation is both understood and let by unseen');
        assert.equal((type.ops | type.passes) & ~ALL_OPS, 0, 'an operation is declared that does not exist');
      },
    },
    {
      name: 'limits: it promises nothing that is not below',
      async run(rig) {
        const { sectors, ops } = rig.port.device.limits;
        const below = rig.port.device.driver.limits;
        assert(sectors <= below.sectors, 'the device is larger with the filter than without');
        assert.equal(ops & ~below.ops, 0, 'an operation is offered that is not there below');
      },
    },
    {
      name: 'undeclared: an operation in neither set is answered NotSup',
      needs: ['bios'],
      async run(rig) {
        await rig.fill();
        for (let op = 0; op < OP_COUNT; op++) {
          if (((type.ops | type.passes) >> op) & 1) continue;
          const buffer = new Uint8Array(SECTOR_SIZE * rig.disk.block);
          const count = op === BioOp.Flush ? 0 : rig.disk.block;
          assert.equal(await rig.io({ op: op as BioOp, sector: 0, count, buffer }), Status.NotSup);
        }
        await rig.checkAll();
      },
    },
  ];
}

function attachCases({ plug: { type }, specAt }: FilterRig): Case[] {
  return [
    {
      name: 'attach: its text attaches it again and gives the same text',
      async run(rig) {
        const { engine, device } = rig;
        const [before] = await own(rig, type.name);
        assert(before !== undefined);
        assert.doesNotMatch(before.args, /[\n\r]|^ | $/);
        assert.doesNotMatch(before.status, /[\n\r]/);
        await rig.wait(engine.detachFilter(device, `${type.name}@${before.altitude}`));
        await rig.wait(engine.attachFilter(device, `${type.name}@${before.altitude} ${before.args}`));
        const after = (await own(rig, type.name)).find(({ altitude }) => altitude === before.altitude);
        assert.equal(after?.args, before.args);
        await rig.fill();
        await rig.checkAll();
      },
    },
    {
      name: 'attach: an altitude that is taken is refused, and nothing changes',
      async run(rig) {
        await rig.fill();
        const before = await rig.engine.filters(rig.device);
        const ports = rig.port.device.ports.size;
        const attaching = rig.engine.attachFilter(rig.device, specAt(rig, type.altitude));
        await assert.rejects(rig.wait(attaching), { code: 'EBUSY' });
        assert.deepEqual(await rig.engine.filters(rig.device), before);
        assert.equal(rig.port.device.ports.size, ports, 'the refused filter left a port open');
        await rig.checkAll();
      },
    },
    {
      name: 'attach: slid in under load at another altitude, and taken out again',
      needs: ['bios'],
      async run(rig) {
        await rig.fill();
        const running = requests(rig, 16);
        await rig.wait(rig.engine.attachFilter(rig.device, specAt(rig, '123456.75')));
        const more = requests(rig, 16);
        // A filter that changes the data makes the old data unreadable while it is on.
        await Promise.allSettled([running.all, more.all].map((all) => rig.wait(all)));
        await rig.wait(rig.engine.detachFilter(rig.device, `${type.name}@123456.75`));
        await rig.checkAll();
      },
    },
  ];
}

function detachCases({ plug, specAt, content }: FilterRig): Case[] {
  const { type } = plug;
  const detach = (rig: Rig): Promise<void> =>
    rig.wait(rig.engine.detachFilter(rig.device, `${type.name}@${type.altitude}`));
  return [
    {
      name: 'detach: waits for no bio for ever, and each ends',
      needs: ['bios'],
      async run(rig) {
        await rig.fill();
        const running = requests(rig, 32);
        await detach(rig);
        await rig.wait(Promise.allSettled([running.all]));
        assert.equal(running.ended(), 32, 'bios were lost in the detach');
      },
    },
    {
      name: 'detach: forgets everything',
      async run(rig) {
        const before = await own(rig, type.name);
        const args = before.find(({ altitude }) => altitude === type.altitude)?.args ?? '';
        const ports = rig.engine.devices().map((device) => device.ports.size);
        await rig.fill();
        for (let round = 0; round < 3; round++) {
          const spec = `${type.name}@${type.altitude} ${args}`;
          await detach(rig);
          await rig.wait(rig.engine.attachFilter(rig.device, spec));
        }
        assert.deepEqual(
          rig.engine.devices().map((device) => device.ports.size),
          ports,
          'ports were left open',
        );
        const after = await own(rig, type.name);
        if (before.length === 1)
          assert.deepEqual(after, before, 'state is left of a filter that was detached');
      },
    },
    {
      name: 'detach: the data below is the data above',
      async run(rig) {
        if (plug.transparent === false || content !== 'kept') return;
        await rig.fill();
        for (const { altitude } of await own(rig, type.name))
          await rig.wait(rig.engine.detachFilter(rig.device, `${type.name}@${altitude}`));
        await rig.checkAll();
        await rig.write(0, 32 * rig.disk.block);
        await rig.wait(rig.engine.attachFilter(rig.device, specAt(rig, type.altitude)));
        await rig.checkAll();
      },
    },
  ];
}

async function own(rig: Rig, name: string): ReturnType<Rig['engine']['filters']> {
  const filters = await rig.engine.filters(rig.device);
  return filters.filter(({ type }) => type === name);
}
