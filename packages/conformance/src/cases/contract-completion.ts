import assert from 'node:assert/strict';
import {
  type Bio,
  BioOp,
  bioPool,
  EndResult,
  type Filter,
  PreResult,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { scriptedFilter } from '../tools/scripted.ts';
import { openSpare } from './contract-tools.ts';

/** Point 4 of the contract of the core: each bio ends once. The rig: a device over a disk, open as `rig.port`. */
export const completionContractCases: readonly Case[] = [
  misuse(
    'completing twice is a reported fault and has no effect',
    /filter culprit@5 on .*complete already/,
    (bio) => {
      bio.complete(Status.Ok);
      bio.complete(Status.Io);
      return PreResult.Taken;
    },
  ),
  misuse('completing and passing on is a reported fault', /passed on a bio/, (bio) => {
    bio.complete(Status.Ok);
    return PreResult.Watch;
  }),
  {
    name: 'contract 4: completing on the way up is a reported fault and has no effect',
    async run(rig) {
      await withCulprit(rig, () => ({
        pre: () => PreResult.Watch,
        post: (bio) => {
          bio.complete(Status.Io);
          return EndResult.Done;
        },
      }));
      await rig.wait(rig.port.read(0, 8));
      await expectFault(rig, /complete already/);
    },
  },
  late('completing a bio of the pool is a reported fault', /culprit@5 on .*complete already/, (bio) => {
    bio.complete(Status.Io);
  }),
  late('sending on a bio of the pool is a reported fault', /culprit@5 on .*sent on/, (bio, { port }) => {
    port.forward(bio);
  }),
  late(
    'changing a bio of the pool is a reported fault, and the next user sees nothing of it',
    /changed a bio/,
    (bio) => {
      bio.flags = 7;
      bio.sector = 1e6;
      bio.bufferOffset = 99;
    },
  ),
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
    name: 'contract 4: a bio that was taken back ends once, with what it ends with then',
    async run(rig) {
      const seen = { count: 0 };
      await withCulprit(rig, ({ port }) => ({
        pre: () => PreResult.Watch,
        post: (bio) => {
          if (++seen.count % 2 === 0) return EndResult.Done;
          bio.reopen();
          bio.watch({ endIo: () => EndResult.Done });
          port.forward(bio);
          return EndResult.Incomplete;
        },
      }));
      await rig.fill();
      await rig.checkAll();
    },
  },
];

/** A case of a filter that does something wrong with a bio in `pre`; the bio ends once all the same. */
function misuse(what: string, fault: RegExp, pre: Filter['pre']): Case {
  return {
    name: `contract 4: ${what}`,
    async run(rig) {
      await withCulprit(rig, () => ({ pre }));
      await rig.wait(rig.port.read(0, 8));
      await expectFault(rig, fault);
    },
  };
}

/** A case of a filter that still touches a bio when it is the pool's. */
function late(what: string, fault: RegExp, touch: (bio: Bio, own: Rig) => void): Case {
  return {
    name: `contract 4: ${what}`,
    async run(rig) {
      const seen: Bio[] = [];
      await withCulprit(rig, () => ({
        pre: (bio) => {
          seen.push(bio);
          bio.complete(Status.Ok);
          return PreResult.Taken;
        },
      }));
      await rig.wait(rig.port.read(0, 8));
      const [bio] = seen;
      touch(bio!, rig);
      await rig.wait(rig.engine.detachFilter(rig.device, 'culprit'));
      // Every bio of the pool comes round once.
      for (let i = 0; i < 500; i++) {
        const { flags, sector, bufferOffset } = used();
        assert.deepEqual([flags, sector, bufferOffset], [0, 0, 0], 'a bio of the pool came out changed');
      }
      await expectFault(rig, fault);
    },
  };
}

function used(): Readonly<Pick<Bio, 'flags' | 'sector' | 'bufferOffset'>> {
  const bio = bioPool.get();
  const { flags, sector, bufferOffset } = bio;
  bioPool.put(bio);
  return { flags, sector, bufferOffset };
}

async function withCulprit(rig: Rig, attach: Parameters<typeof scriptedFilter>[2]): Promise<void> {
  rig.engine.registry.add(scriptedFilter('culprit', '5', attach));
  await rig.wait(rig.engine.attachFilter(rig.device, 'culprit'));
}

/** The fault was told, once at least, and harmed nobody else. */
async function expectFault(rig: Rig, fault: RegExp): Promise<void> {
  const faults = rig.faults.splice(0);
  assert(fault.test(faults[0] ?? ''), `faults: ${faults.join('\n')}`);
  assert(faults.every((text) => text.startsWith('filter culprit@5 on ')));
  const { port } = await openSpare(rig);
  await rig.wait(port.read(0, 8));
}
