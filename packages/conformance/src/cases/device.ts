import assert from 'node:assert/strict';
import { BioOp, hasOp, isInterposerError, type Limits, Registry, SECTOR_SIZE } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { DevicePlug } from '../plugs.ts';
import type { Rig } from '../rig.ts';
import { isFilled } from '../tools/bytes.ts';
import { checkExtents } from './table.ts';

/** A driver type ready to be tried. */
export interface DeviceRig {
  readonly plug: DevicePlug;
  readonly sectors: number;
  /** Makes a new device; its spec. */
  create(rig: Rig): Promise<string>;
}

/** What holds for each driver type whatever its medium. */
export function deviceCases(subject: DeviceRig): readonly Case[] {
  return [
    ...openCases(subject),
    ...sharingCases(subject),
    ...(subject.plug.persists === true ? [reopening] : []),
  ];
}

function openCases({ plug, sectors }: DeviceRig): Case[] {
  return [
    {
      name: 'device: has the size that was asked for and limits that make sense',
      async run(rig) {
        assert.equal(rig.disk.sectors, sectors);
        checkLimits(rig.port.device.limits);
      },
    },
    {
      name: 'device: reads as zeroes at first',
      async run(rig) {
        rig.model.zeroed(0, sectors);
        await rig.checkAll();
      },
    },
    {
      name: 'device: a spec that makes no sense is refused with a code',
      async run(rig) {
        const opening = rig.engine.open(`${plug.type.schemes[0] ?? ''}:/no/such/thing/`);
        await assert.rejects(rig.wait(opening), (error) => isInterposerError(error));
      },
    },
    {
      name: 'device: extents cover what is asked for, in order, without gaps',
      async run(rig) {
        const { block } = rig.disk;
        await rig.write(8 * block, 8 * block);
        for (const [sector, count] of [
          [0, sectors],
          [9 * block, 2 * block],
          [sectors - block, block],
        ] as const)
          checkExtents(await rig.wait(rig.port.extents(sector, count)), sector, count);
      },
    },
    {
      name: 'device: what its extents call zero reads as zeroes',
      async run(rig) {
        const { block } = rig.disk;
        await rig.write(8 * block, 8 * block);
        await rig.write(100 * block, block);
        for (const { sector, count, zero } of await rig.wait(rig.port.extents(0, sectors))) {
          if (!zero) continue;
          const data = await rig.wait(rig.port.read(sector, count));
          assert(
            isFilled(data, 0),
            `extent ${String(sector)}+${String(count)} is said to be zero and is not`,
          );
        }
      },
    },
    {
      name: 'type: can be registered, and has a scheme or takes paths',
      async run() {
        new Registry().add(plug.type);
        assert(plug.type.schemes.length > 0 || plug.type.takesPaths === true);
      },
    },
  ];
}

function sharingCases(subject: DeviceRig): Case[] {
  return [
    {
      name: 'device: two devices share nothing',
      async run(rig) {
        const other = await rig.wait(rig.engine.open(await subject.create(rig)));
        await rig.fill();
        const noise = new Uint8Array(64 * SECTOR_SIZE).fill(0x77);
        await rig.wait(other.write(0, noise));
        await rig.checkAll();
        assert.deepEqual(await rig.wait(other.read(0, 64)), noise);
        other.close();
      },
    },
    {
      name: 'device: every port that is open on it sees the same data',
      async run(rig) {
        const other = await rig.wait(rig.engine.open(rig.device, { claim: 'noexcl' }));
        assert.equal(other.device, rig.port.device);
        await rig.fill();
        const { block } = rig.disk;
        rig.expectModel(await rig.wait(other.read(block, 8 * block)), 0, block, 8 * block);
        other.close();
      },
    },
    {
      name: 'device: opened for reading only, it takes no writes',
      async run(rig) {
        const spec = await subject.create(rig);
        const port = await rig.wait(rig.engine.open(spec, { mode: 'read' }));
        const { block } = rig.disk;
        await assert.rejects(rig.wait(port.write(0, new Uint8Array(block * SECTOR_SIZE))), { code: 'EPERM' });
        const data = await rig.wait(port.read(0, block));
        assert(isFilled(data, 0), 'a new device holds data');
        port.close();
      },
    },
  ];
}

const reopening: Case = {
  name: 'device: data is still there when it is opened again',
  async run(rig) {
    await rig.fill();
    await rig.flush();
    rig.port.close();
    rig.use(await rig.wait(rig.engine.open(rig.spec)));
    await rig.checkAll();
  },
};

function checkLimits(limits: Limits): void {
  const { logicalBlock, physicalBlock, maxSectors, maxRangeSectors, sectors, ops } = limits;
  for (const [what, bytes] of [
    ['logicalBlock', logicalBlock],
    ['physicalBlock', physicalBlock],
  ] as const) {
    assert(bytes >= SECTOR_SIZE && Number.isInteger(Math.log2(bytes)), `${what} is ${String(bytes)}`);
  }
  const block = logicalBlock / SECTOR_SIZE;
  assert.equal(sectors % block, 0, 'the size is no whole number of blocks');
  assert(maxRangeSectors >= block, `maxRangeSectors is ${String(maxRangeSectors)}, less than a block`);
  assert(maxSectors >= block, `maxSectors is ${String(maxSectors)}, less than a block`);
  assert(hasOp(ops, BioOp.Read), 'the device cannot be read');
  if (limits.volatileCache) assert(hasOp(ops, BioOp.Flush), 'a volatile cache needs flushes');
}
