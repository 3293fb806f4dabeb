import assert from 'node:assert/strict';
import {
  type Bio,
  bioPool,
  type Edit,
  type EndResult,
  type Filter,
  PreResult,
  Status,
} from '@interposer/core';
import type { Case } from '../cases.ts';
import { handled, type Rig } from '../rig.ts';
import { isFilled } from '../tools/bytes.ts';
import { scriptedFilter, scriptedTarget } from '../tools/scripted.ts';
import { mapOver, openSpare, stackOf } from './contract-tools.ts';

/** Ways to get a device back from a filter that broke its contract. */
const cures: Readonly<Record<string, (rig: Rig, filter: string) => Promise<unknown>>> = {
  'forced detach': (rig, filter) => rig.engine.detachFilter(rig.device, filter, { force: true }),
  detach: (rig, filter) => rig.engine.detachFilter(rig.device, filter),
  swap: (rig, filter) => rig.engine.swapFilter(rig.device, filter, 'pass@4'),
  transaction: ({ engine, device }, filter) => {
    const edits: Edit[] = [
      { kind: 'attach', device, filter: 'pass@4' },
      { kind: 'detach', device, filter },
    ];
    return engine.transaction(edits);
  },
};

/** Point 14 of the contract of the core, on the path of bios. The rig: a device over a disk, open as `rig.port`. */
export const faultCases: readonly Case[] = [
  fencing('pre', () => ({ pre: boom }), reads),
  fencing('post', () => ({ pre: () => PreResult.Watch, post: boom }), reads),
  fencing(
    'post after it took a bio back',
    () => ({ pre: () => PreResult.Watch, post: reopenAndThrow }),
    reads,
  ),
  fencing(
    'resume',
    () => ({ resume: boom }),
    async () => undefined,
  ),
  fencing(
    'limits',
    () => {
      let calls = 0;
      // Asked before it is attached, and when it is; what throws later has no edit to refuse.
      return { limits: (below) => (++calls > 2 ? boom() : below) };
    },
    async (rig) => {
      await rig.wait(rig.engine.attachFilter(rig.device, 'pass@1'));
      await rig.wait(rig.engine.detachFilter(rig.device, 'pass@1'));
    },
  ),
  {
    name: 'contract 14: a target that throws is fenced, its bios fail, other devices go on',
    async run(rig) {
      rig.engine.registry.add(scriptedTarget('thrower', () => ({ map: boom })));
      const { port } = rig;
      const disk = rig.addDisk({ sectors: rig.disk.sectors });
      await rig.wait(rig.engine.create('x', { table: `0 ${String(rig.disk.sectors)} thrower ${disk}` }));
      rig.use(await rig.wait(rig.engine.open('x', { claim: 'noexcl' })));
      await reads(rig);
      await fencedAlone(rig, /^target thrower, row 0\+\d+ on x: boom$/);
      // Another table is a cure.
      const table = `0 ${String(rig.disk.sectors)} span ${disk} 0`;
      await rig.wait(rig.engine.transaction([{ kind: 'reload', device: 'x', table }]));
      await rig.read(0, 8);
      rig.port.close();
      rig.use(port);
    },
  },
  {
    name: 'contract 14: what throws in what stands in fails the bios of the covered device, until the remap ends',
    async run(rig) {
      rig.engine.registry.add(scriptedFilter('thrower', '5', () => ({ pre: boom })));
      await mapOver(rig, 'donor', rig.device);
      await rig.wait(rig.engine.attachFilter('donor', 'thrower'));
      await rig.wait(rig.engine.startRemap('donor', rig.device, { altitude: '3' }));
      await reads(rig);
      await fencedAlone(rig, /^filter thrower@5 on donor: boom$/);
      await rig.wait(rig.engine.finishRemap('donor'));
      await rig.read(0, 8);
    },
  },
  {
    name: 'contract 14: a submitter that throws in its end is told, and nobody else is harmed',
    async run(rig) {
      const bio = bioPool.get();
      bio.op = 2;
      await rig.wait(
        new Promise<void>((resolve) => {
          bio.end = (done) => {
            bioPool.put(done);
            resolve();
            boom();
          };
          rig.port.submit(bio);
        }),
      );
      await rig.read(0, 8);
      assert.match(rig.faults.splice(0).join('\n'), /^submitter on .*: boom$/);
    },
  },
  ...(['detach', 'swap', 'transaction'] as const).map((way): Case => ({
    name: `contract 14: a filter that never completes is named when a ${way} does not drain, and goes by force`,
    async run(rig) {
      const kept: Bio[] = [];
      rig.engine.registry.add(
        scriptedFilter('keeper', '5', () => ({
          pre: (bio) => {
            kept.push(bio);
            return PreResult.Taken;
          },
        })),
      );
      await rig.wait(rig.engine.attachFilter(rig.device, 'keeper'));
      const into = new Uint8Array(8 * 512).fill(0xee);
      const failing = assert.rejects(handled(rig.port.read(16, 8, into)), { code: 'EIO' });
      const stack = stackOf(rig.port.device);
      const edit = handled(cures[way]!(rig, 'keeper'));
      await othersGoOn(rig);
      const holder = /read 16\+8 held by filter keeper@5 on /;
      await rig.wait(assert.rejects(edit, { code: 'ETIMEDOUT', message: holder }));
      assert.deepEqual(stackOf(rig.port.device), stack);
      await rig.wait(cures['forced detach']!(rig, 'keeper'));
      await rig.wait(failing);
      assert(isFilled(into, 0), 'a failed read left old bytes');
      assert.match(rig.faults.splice(0).join('\n'), /^filter keeper@5 on .*: detached by force$/);
      await rig.read(16, 8);
      // What it does with the bio now is without effect, for whoever has it next too.
      kept[0]!.complete(Status.Ok);
      rig.port.forward(kept[0]!);
      await rig.read(16, 8);
      assert(isFilled(into, 0));
    },
  })),
];

/** A case for each callback on the path: its filter is fenced and named, alone, and each cure gets the device back. */
function fencing(
  callback: string,
  hooks: () => Partial<Filter>,
  provoke: (rig: Rig) => Promise<unknown>,
): Case {
  return {
    name: `contract 14: a filter that throws in ${callback} is fenced and named, its bios fail, other devices go on`,
    async run(rig) {
      rig.engine.registry.add(scriptedFilter('thrower', '5', hooks));
      for (const cure of Object.values(cures)) {
        await rig.wait(rig.engine.attachFilter(rig.device, 'thrower'));
        await provoke(rig);
        await fencedAlone(rig, /^filter thrower@5 on .*: boom$/);
        await rig.wait(cure(rig, 'thrower'));
        rig.faults.splice(0).forEach((text) => assert.match(text, /thrower@5 .*: detached by force$/));
        assert.equal(rig.port.device.fault, null);
        await rig.read(0, 8);
        if (stackOf(rig.port.device).includes('pass@4'))
          await rig.wait(rig.engine.detachFilter(rig.device, 'pass@4'));
      }
    },
  };
}

/** Eight reads at a time, which are to fail. */
async function reads(rig: Rig): Promise<void> {
  const all = Array.from({ length: 8 }, (_, i) => rig.port.read(i * 8, 8));
  for (const { status } of await rig.wait(Promise.allSettled(all))) assert.equal(status, 'rejected');
}

/** One fault was told, new bios fail, other devices serve. */
async function fencedAlone(rig: Rig, fault: RegExp): Promise<void> {
  const faults = rig.faults.splice(0);
  assert(faults.length === 1 && fault.test(faults[0]!), `faults: ${faults.join('\n')}`);
  await assert.rejects(rig.wait(rig.port.read(0, 8)), { code: 'EIO' });
  await othersGoOn(rig);
  assert.deepEqual(rig.faults, []);
}

async function othersGoOn(rig: Rig): Promise<void> {
  const { port } = await openSpare(rig);
  await rig.wait(port.write(0, new Uint8Array(512)));
  await rig.wait(port.read(0, 1));
  port.close();
}

function reopenAndThrow(bio: Bio): EndResult {
  bio.reopen();
  return boom();
}

function boom(): never {
  throw new Error('boom');
}
