import assert from 'node:assert/strict';
import {
  type Area,
  type Extent,
  fail,
  MappedDevice,
  Registry,
  SECTOR_SIZE,
  splitWords,
  type TableRow,
} from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { BACKGROUND, type TargetRig } from '../target-rig.ts';
import { isFilled } from '../tools/bytes.ts';
import type { MemoryDisk } from '../tools/memory-disk.ts';
import { checkSector } from '../tools/stamp.ts';
import { requests } from './lifecycle.ts';

/** What holds for each target type whatever it does: its table line, its areas, its place among other tables. */
export function tableCases(subject: TargetRig): readonly Case[] {
  return [...textCases(subject), ...swapCases(subject), ...areaCases(subject)];
}

function textCases({ type, argsOf }: TargetRig): Case[] {
  return [
    {
      name: 'table: its text loads again and gives the same text',
      async run(rig) {
        const { engine, device } = rig;
        const first = await engine.table(device);
        // The numbers in the text are those of devices that are open.
        await rig.wait(engine.load(device, textOf(first)));
        await rig.wait(engine.resume(device));
        assert.deepEqual(await engine.table(device), first);
        await rig.fill();
        await rig.checkAll();
      },
    },
    {
      name: 'table: text and status are single lines of words',
      async run(rig) {
        const rows = [...(await rig.engine.table(rig.device)), ...(await rig.engine.status(rig.device))];
        for (const { params } of rows) assert.doesNotMatch(params, /[\n\r]|^ | $/);
      },
    },
    {
      name: 'table: a word too many is refused, and the live table stays',
      async run(rig) {
        if (type.params.some((param) => param.kind === 'rest')) return;
        await refuses(rig, `${argsOf(rig)} 1 2 3 surplus-word`);
      },
    },
    {
      name: 'table: a line without its last word is refused or loads, and nothing stays open',
      async run(rig) {
        const words = splitWords(argsOf(rig));
        const shorter = words.slice(0, -1).join(' ');
        if (words.length === 0) return;
        const loading = rig.wait(
          rig.engine.load(rig.device, lastRow(await rig.engine.table(rig.device), shorter)),
        );
        await loading.catch((error: unknown) => {
          assert.equal((error as { code?: string }).code, 'EINVAL');
        });
        await rig.wait(rig.engine.clear(rig.device));
        await rig.fill();
        await rig.checkAll();
      },
    },
    {
      name: 'table: a message nobody knows is refused',
      async run(rig) {
        const sector = rig.disk.sectors - 1;
        const sent = rig.engine.message(rig.device, sector, ['no-such-message']);
        await assert.rejects(rig.wait(sent), { code: 'EINVAL' });
      },
    },
    {
      name: 'type: can be registered, and declares what it is',
      async run() {
        new Registry().add(type);
        assert(
          type.version.every((part) => Number.isInteger(part) && part >= 0),
          'the version is not three numbers',
        );
        const names = type.params.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length, 'two parameters have one name');
      },
    },
  ];
}

function swapCases({ tableOf }: TargetRig): Case[] {
  return [
    {
      name: 'lifecycle: the table is swapped for an equal one under load',
      needs: ['bios'],
      async run(rig) {
        await rig.fill();
        for (let round = 0; round < 3; round++) {
          const running = requests(rig, 16);
          await rig.wait(rig.engine.load(rig.device, tableOf(rig)));
          await rig.wait(rig.engine.resume(rig.device, { noflush: round === 1 }));
          await rig.wait(running.all);
        }
        await rig.checkAll();
      },
    },
    {
      name: 'lifecycle: a table is loaded and cleared again, and the live one stays',
      async run(rig) {
        await rig.fill();
        await rig.wait(rig.engine.load(rig.device, tableOf(rig)));
        await rig.wait(rig.engine.load(rig.device, tableOf(rig)));
        await rig.wait(rig.engine.clear(rig.device));
        await rig.checkAll();
      },
    },
    {
      name: 'lifecycle: a removed device gives up all it had, and comes up again',
      async run(rig) {
        const { engine, device } = rig;
        const text = tableOf(rig);
        await rig.fill();
        if (rig.content === 'kept') await rig.flush();
        rig.port.close();
        await rig.wait(engine.remove(device));
        const left = engine
          .devices()
          .flatMap(({ ports }) => [...ports].filter(({ owner }) => owner?.name === device));
        assert.equal(left.length, 0, 'the removed device still has ports open');
        await rig.wait(engine.create(device, { table: text }));
        rig.use(await rig.wait(engine.open(device)));
        await rig.checkAll();
      },
    },
  ];
}

function areaCases({ place, first }: TargetRig): Case[] {
  return [
    {
      name: 'areas: nothing outside them is touched',
      needs: ['disks below'],
      async run(rig) {
        const areas = areasOf(rig);
        await rig.fill();
        await rig.wait(rig.engine.suspend(rig.device));
        await rig.wait(rig.engine.resume(rig.device));
        for (const disk of rig.disks) checkOutside(disk, areas);
      },
    },
    {
      name: 'areas: each lies inside its device',
      async run(rig) {
        for (const { port, start, count } of areasOf(rig)) {
          assert(start >= 0 && count > 0, `area ${String(start)}+${String(count)}`);
          assert(start + count <= port.device.limits.sectors, `area ends at ${String(start + count)}`);
          assert(port.isOpen, 'the port of an area is closed');
        }
      },
    },
    {
      name: 'place: each sector lies where the table says',
      needs: ['known places'],
      async run(rig) {
        await rig.write(0, rig.disk.sectors);
        for (let sector = first; sector < rig.disk.sectors; sector++) {
          const [device, below] = place!(sector - first);
          const problem = checkSector(rig.disks[device]!.data, below * SECTOR_SIZE, sector, 1);
          if (problem !== undefined)
            throw new assert.AssertionError({ message: `disk ${String(device)}: ${problem}` });
        }
      },
    },
    {
      name: 'extents: cover what is asked for, in order, without gaps',
      async run(rig) {
        const { sectors, block } = rig.disk;
        await rig.write(0, 8 * block);
        for (const [sector, count] of [
          [0, sectors],
          [block, sectors - block],
          [sectors - block, block],
        ] as const)
          checkExtents(await rig.wait(rig.port.extents(sector, count)), sector, count);
      },
    },
  ];
}

/** Throws unless the extents are a partition of the range. */
export function checkExtents(extents: readonly Extent[], sector: number, count: number): void {
  let at = sector;
  for (const extent of extents) {
    assert.equal(extent.sector, at, 'an extent does not begin where the one before it ends');
    assert(extent.count > 0, 'an extent is empty');
    at += extent.count;
  }
  assert.equal(at, sector + count, 'the extents do not end where the range does');
}

async function refuses(rig: Rig, args: string): Promise<void> {
  const { engine, device } = rig;
  await rig.fill();
  const table = lastRow(await engine.table(device), args);
  await assert.rejects(rig.wait(engine.load(device, table)), { code: 'EINVAL' });
  await rig.checkAll();
}

/** A table of the last row only, with other arguments, from sector 0. */
function lastRow(rows: readonly TableRow[], args: string): string {
  const { length, type } = rows.at(-1)!;
  return `0 ${String(length)} ${type} ${args}`;
}

function textOf(rows: readonly TableRow[]): string {
  return rows
    .map(({ start, length, type, params }) => `${String(start)} ${String(length)} ${type} ${params}`)
    .join('\n');
}

function areasOf(rig: Rig): Area[] {
  const { device } = rig.port;
  if (!(device instanceof MappedDevice)) throw fail('EINVAL', `${device.name} has no table`);
  return (device.live?.rows ?? []).flatMap(({ target }) => [...target.areas()]);
}

function checkOutside(disk: MemoryDisk, areas: readonly Area[]): void {
  const inside = areas.filter(({ port }) => port.device.driver === disk);
  // Stacked: the areas are on devices in between.
  if (inside.length === 0) return;
  for (let sector = 0; sector < disk.limits.sectors; sector++) {
    if (inside.some(({ start, count }) => sector >= start && sector < start + count)) continue;
    const bytes = disk.data.subarray(sector * SECTOR_SIZE, (sector + 1) * SECTOR_SIZE);
    const what = `sector ${String(sector)} of a disk below was written though it is in no area`;
    assert(isFilled(bytes, BACKGROUND), what);
  }
}
