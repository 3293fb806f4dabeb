import assert from 'node:assert/strict';
import { type Bio, BioOp, bioPool, type Filter, PreResult, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { scriptedFilter } from '../tools/scripted.ts';
import { mapOver, openSpare, stackOf } from './contract-tools.ts';

const ROUNDS = 12;
const BIOS_PER_ROUND = 2000;
/** Less than the smallest object: the heap also grows by what the machine does for itself. */
const BYTES_PER_BIO = 12;

type Callback = 'table' | 'status' | 'message' | 'extents' | 'presuspend' | 'queryDetach' | 'detach';

/** What makes core call a filter off the path, and whether the verb can go on without its answer. */
const verbs: Readonly<Record<Callback, (rig: Rig) => Promise<unknown>>> = {
  table: listAll,
  status: listAll,
  message: (rig) => rejected(rig.engine.messageFilter(rig.device, 'thrower', ['hello'])),
  extents: (rig) => rejected(rig.port.extents(0, 8)),
  presuspend: (rig) => rejected(rig.engine.attachFilter(rig.device, 'pass@1')),
  queryDetach: (rig) => rejected(rig.engine.detachFilter(rig.device, 'thrower')),
  detach: (rig) => rejected(rig.engine.detachFilter(rig.device, 'thrower')),
};

/** Points 14, off the path of bios, and 15 of the contract of the core. The rig: a device over a disk, open as `rig.port`. */
export const verbCases: readonly Case[] = [
  ...(Object.keys(verbs) as Callback[]).map((callback): Case => ({
    name: `contract 14: a filter that throws in ${callback} is named, and nobody's bios fail`,
    async run(rig) {
      const hooks: Partial<Filter> = { [callback]: boom };
      rig.engine.registry.add(scriptedFilter('thrower', '5', () => hooks));
      await rig.wait(rig.engine.attachFilter(rig.device, 'thrower'));
      const { port } = await openSpare(rig);
      await rig.wait(verbs[callback](rig));
      const faults = new Set(rig.faults.splice(0));
      assert.deepEqual([...faults], [`filter thrower@5 on ${rig.port.device.name}: boom`]);
      await rig.read(0, 8);
      await rig.wait(port.read(0, 8));
      if (callback === 'detach') return;
      await rig.wait(rig.engine.detachFilter(rig.device, 'thrower', { force: true }));
      for (const text of rig.faults.splice(0)) assert.match(text, /thrower@5 .*: detached by force$/);
      await rig.read(0, 8);
    },
  })),
  {
    name: 'contract 15: the pool gives the same bios again, however many requests there are',
    async run(rig) {
      const seen = new Set<unknown>();
      for (let i = 0; i < 2000; i++) {
        const bio = bioPool.get();
        seen.add(bio);
        bioPool.put(bio);
        if (i % 100 === 0) await rig.read(0, 8);
      }
      assert(seen.size < 1000, `2000 requests made ${String(seen.size)} bios`);
    },
  },
  {
    name: 'contract 15: nothing is allocated for a bio on its way through filters, a table and a remap',
    async run(rig) {
      rig.engine.registry.add(scriptedFilter('answerer', '1', () => ({ pre: answer })));
      for (const spec of ['answerer', 'pass@5', 'pass@8'])
        await rig.wait(rig.engine.attachFilter(rig.device, spec));
      await mapOver(rig, 'donor', rig.device);
      await mapOver(rig, 'upper', rig.device);
      await rig.wait(rig.engine.startRemap('donor', rig.device, { altitude: '7' }));
      const port = await rig.wait(rig.engine.open('upper'));
      const buffer = new Uint8Array(SECTOR_SIZE);
      const round = (): number => {
        const before = process.memoryUsage().heapUsed;
        for (let i = 0; i < BIOS_PER_ROUND; i++) {
          const bio = bioPool.get();
          bio.op = BioOp.Write;
          bio.count = 1;
          bio.buffer = buffer;
          bio.end = putBack;
          port.submit(bio);
        }
        return (process.memoryUsage().heapUsed - before) / BIOS_PER_ROUND;
      };
      // The first rounds are for the compiler; in others the heap is cleaned up. One that shows the truth is enough.
      const grown = Array.from({ length: ROUNDS }, round).filter((bytes) => bytes >= 0);
      port.close();
      const least = Math.min(...grown);
      assert(least < BYTES_PER_BIO, `each bio took ${least.toFixed(1)} bytes of the heap`);
    },
  },
];

/** Every listing shows every device, and the filter that cannot say what it is too. */
async function listAll(rig: Rig): Promise<void> {
  const shown = await rig.engine.filters();
  assert(shown.some(({ type }) => type === 'thrower'));
  assert.equal((await rig.engine.filters(rig.device)).length, stackOf(rig.port.device).length);
  await rig.engine.explain(rig.device);
}

function rejected(work: Promise<unknown>): Promise<void> {
  return assert.rejects(work, /boom/);
}

function answer(bio: Bio): PreResult {
  bio.result = Status.Ok;
  return PreResult.Complete;
}

function putBack(bio: Bio): void {
  bioPool.put(bio);
}

function boom(): never {
  throw new Error('boom');
}
