import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useWorld } from './world.ts';

// The three examples every text about the device mapper has, through the command, tables verbatim.
const world = useWorld();
const SECTOR = 512;

/** Sectors that tell where they were: a disk's letter and the sector's number. */
function stamped(letter: string, sectors: number): Buffer {
  const data = Buffer.alloc(sectors * SECTOR);
  for (let sector = 0; sector < sectors; sector++) data.write(`${letter}${String(sector)} `, sector * SECTOR);
  return data;
}

describe('bad_disk', () => {
  it('reads up to the bad sector', async () => {
    const data = stamped('a', 64);
    const image = world.image('bad.img', 204800 * SECTOR, data);
    await world.ok(
      'create',
      'bad_disk',
      '--table',
      `0 8 linear ${image} 0\n8 1 error\n9 204791 linear ${image} 9`,
    );
    const four = await world.run(['dd', 'if=bad_disk', 'of=four', 'bs=1k', 'count=4']);
    expect(four.code).toBe(0);
    expect(readFileSync(world.path('four')).equals(data.subarray(0, 4096))).toBe(true);
    const five = await world.run(['dd', 'if=bad_disk', 'of=five', 'bs=1k', 'count=5']);
    expect(five).toMatchObject({ code: 1, stdout: '' });
    expect(five.stderr).toContain(
      `dd: error reading 'bad_disk': Input/output error\n4+0 records in\n4+0 records out\n`,
    );
    expect(readFileSync(world.path('five')).equals(data.subarray(0, 4096))).toBe(true);
    const behind = await world.run(['dd', 'if=bad_disk', 'of=behind', 'bs=512', 'skip=9', 'count=1']);
    expect(behind.code).toBe(0);
    expect(readFileSync(world.path('behind'), 'latin1')).toMatch(/^a9 /);
  });
});

describe('fake_disk', () => {
  it('is 8 TiB of which 32 KiB are real', async () => {
    const image = world.image('fake.img', 64 * SECTOR);
    await world.ok('create', 'fake_disk', '--table', `0 64 linear ${image} 0\n64 17179869120 zero`);
    const info = JSON.parse(await world.ok('info', 'fake_disk', '--json')) as
      { sectors: number }[] | { sectors: number };
    expect([info].flat()[0]!.sectors * SECTOR).toBe(8796093022208);
    world.image('ones', 65536, Buffer.alloc(65536, 1));
    await world.ok('dd', 'if=ones', 'of=fake_disk', 'bs=32k', 'conv=notrunc');
    await world.ok('dd', 'if=fake_disk', 'of=back', 'bs=32k', 'count=2');
    expect(
      readFileSync(world.path('back')).equals(Buffer.concat([Buffer.alloc(32768, 1), Buffer.alloc(32768)])),
    ).toBe(true);
    await world.ok('dd', 'if=ones', 'of=fake_disk', 'bs=64k', 'seek=134217727', 'conv=notrunc');
    await world.ok('dd', 'if=fake_disk', 'of=back', 'bs=64k', 'skip=134217727');
    expect(readFileSync(world.path('back')).equals(Buffer.alloc(65536))).toBe(true);
  });
});

describe('strip', () => {
  it('puts chunks on two disks in turn', async () => {
    const [a, b] = [world.image('a.img', 409600 * SECTOR), world.image('b.img', 409600 * SECTOR)];
    await world.ok('create', 'strip', '--table', `0 819200 striped 2 128 ${a} 0 ${b} 0`);
    world.image('data', 1024 * SECTOR, stamped('s', 1024));
    await world.ok('dd', 'if=data', 'of=strip', 'bs=512k', 'conv=fsync,notrunc');
    const disks = [a, b].map((image) => readFileSync(image).subarray(0, 512 * SECTOR));
    for (let sector = 0; sector < 1024; sector++) {
      const chunk = Math.floor(sector / 128);
      const disk = disks[chunk % 2]!;
      const at = (Math.floor(chunk / 2) * 128 + (sector % 128)) * SECTOR;
      expect(disk.subarray(at, at + 8).toString('latin1')).toMatch(new RegExp(`^s${String(sector)} `));
    }
  });
});
