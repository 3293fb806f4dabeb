import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Status } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { filterType, witness } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, type Sent, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let log: string[];

beforeEach(() => {
  log = [];
  rig = new Rig(
    witness('high', '300000', log),
    witness('low', '100000', log),
    witness('middle', '150000', log),
    filterType('coarse', '250000', () => ({ limits: (below) => ({ ...below, logicalBlock: 4096 }) })),
  );
  disk = rig.disks.add('a', 64);
  disk.data.set(stamped('a', 0, 64));
  rig.disks.add('b', 64).data.set(stamped('b', 0, 64));
});

afterEach(() => rig.finish());

async function readAt(name: string, sector: number): Promise<string> {
  const sent = read(await rig.open(name), sector);
  await settle();
  expect(sent.status).toBe(Status.Ok);
  return stampAt(sent.buffer, 0);
}

/** A mapped device over the disk itself, with its halves changed over. */
async function turned(name = 'm', device = 'disk:a'): Promise<void> {
  const table = `0 32 span ${device} 32 noexcl\n32 32 span ${device} 0 noexcl`;
  await rig.engine.create(name, { table });
}

describe('a remap', () => {
  it('sends the bios of a live device to a mapped device whose table uses the same device', async () => {
    const port = await rig.open('disk:a', { claim: 'exclusive' });
    await turned();
    expect(await rig.engine.startRemap('m', 'disk:a')).toEqual({
      mapped: 'm',
      device: 'a',
      altitude: '200000',
    });
    expect(await readAt('disk:a', 0)).toBe('a32');
    const sent = write(port, 40, 1, { buffer: stamped('x', 7, 1) });
    expect(sent.status).toBe(Status.Ok);
    expect(stampAt(disk.data, 8)).toBe('x7');
    expect(await rig.engine.remaps()).toEqual([{ mapped: 'm', device: 'a', altitude: '200000' }]);
    await rig.engine.finishRemap('m');
    expect(await readAt('disk:a', 8)).toBe('x7');
    expect(await rig.engine.remaps()).toEqual([]);
  });

  it('lets filters above it see what clients ask for, and those below what its table makes of it', async () => {
    await turned();
    for (const spec of ['high', 'low']) await rig.engine.attachFilter('disk:a', spec);
    await rig.engine.startRemap('m', 'disk:a');
    expect(await readAt('disk:a', 1)).toBe('a33');
    expect(log).toEqual(['high>read 1+1', 'low>read 33+1', '<low', '<high']);
    await rig.engine.finishRemap('m');
  });

  it('nests, in any order of making, at other altitudes', async () => {
    for (const order of [
      ['m', 'n'],
      ['n', 'm'],
    ]) {
      await turned('m');
      await turned('n');
      for (const name of order) {
        await rig.engine.startRemap(name, 'disk:a', { altitude: name === 'm' ? '200000' : '210000' });
      }
      // Turned twice.
      expect(await readAt('disk:a', 3)).toBe('a3');
      expect(rig.device('a').path.rank).toBe(4);
      for (const name of order) await rig.engine.finishRemap(name);
      expect(rig.device('m').path.rank).toBe(1);
      for (const name of order) await rig.engine.remove(name);
    }
  });

  it('works on a mapped device, and on the one that stands in', async () => {
    await rig.engine.create('base', { table: '0 64 span disk:a 0' });
    await turned('m', 'base');
    await rig.engine.startRemap('m', 'base');
    await turned('n', 'm');
    await rig.engine.startRemap('n', 'm');
    expect(await readAt('base', 5)).toBe('a5');
    await rig.engine.finishRemap('n');
    expect(await readAt('base', 5)).toBe('a37');
    await rig.engine.finishRemap('m');
  });

  it('leads through devices between the one that stands in and the disk', async () => {
    await turned('inner');
    await rig.engine.create('m', { table: '0 64 span inner 0' });
    await rig.engine.startRemap('m', 'disk:a');
    expect(await readAt('disk:a', 0)).toBe('a32');
    await rig.engine.finishRemap('m');
  });

  it('follows a device that is put between later', async () => {
    await turned();
    await rig.engine.startRemap('m', 'disk:a');
    await rig.engine.create('later', { table: '0 64 span disk:a 0 noexcl' });
    await rig.engine.load('m', '0 64 span later 0');
    await rig.engine.resume('m');
    expect(await readAt('disk:a', 9)).toBe('a9');
    expect(rig.faults).toEqual([]);
    await rig.engine.finishRemap('m');
  });

  it('loses no bio when it starts and ends under way', async () => {
    const port = await rig.open('disk:a');
    await turned();
    const sent: Sent[] = [];
    for (let round = 0; round < 20; round++) {
      disk.hold = true;
      for (let i = 0; i < 4; i++) sent.push(read(port, i));
      const edit = round % 2 === 0 ? rig.engine.startRemap('m', 'disk:a') : rig.engine.finishRemap('m');
      await settle();
      for (let i = 4; i < 8; i++) sent.push(read(port, i));
      disk.hold = false;
      disk.release();
      await edit;
    }
    expect(sent.every(({ status, ends }) => status === Status.Ok && ends === 1)).toBe(true);
    expect(rig.faults).toEqual([]);
  });

  it('stays when the table is swapped, under way', async () => {
    await turned();
    await rig.engine.startRemap('m', 'disk:a');
    const port = await rig.open('disk:a');
    disk.hold = true;
    const sent = [read(port, 0)];
    await rig.engine.load('m', '0 64 span disk:a 0 noexcl');
    const edit = rig.engine.resume('m');
    await settle();
    sent.push(read(port, 1));
    disk.hold = false;
    disk.release();
    await edit;
    expect(sent.map(({ buffer, status }) => [status, stampAt(buffer, 0)])).toEqual([
      [Status.Ok, 'a32'],
      [Status.Ok, 'a1'],
    ]);
    await rig.engine.finishRemap('m');
  });

  it('lets no table of its device be swapped with a bio inside that came in below it', async () => {
    await rig.engine.create('base', { table: '0 64 span disk:a 0' });
    await turned('m', 'base');
    await rig.engine.startRemap('m', 'base');
    const port = await rig.open('m');
    await rig.engine.suspend('base');
    disk.hold = true;
    const sent = read(port, 0);
    await rig.engine.load('base', '0 64 span disk:b 0');
    const before = rig.device('base').driver;
    const tooLong = expect(rig.engine.resume('base')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await settle();
    rig.clock.advance(DRAIN_TIMEOUT);
    await tooLong;
    expect(await rig.engine.info('base')).toMatchObject({ suspended: true, inactive: true });
    const edit = rig.engine.resume('base');
    await settle();
    expect([sent.status, rig.device('base').driver === before]).toEqual([null, true]);
    disk.release();
    await edit;
    expect(stampAt(sent.buffer)).toBe('a32');
    expect(await readAt('base', 0)).toBe('b32');
    await rig.engine.finishRemap('m');
  });

  it('shows in the path of a bio', async () => {
    await turned();
    await rig.engine.startRemap('m', 'disk:a');
    await readAt('disk:a', 0);
    expect(await rig.engine.explain('disk:a')).toMatchObject({
      device: { name: 'a' },
      filters: [
        {
          type: 'remap',
          altitude: '200000',
          args: 'm',
          counters: { bios: 1 },
          others: [
            {
              device: { name: 'm' },
              rows: [
                { counters: { bios: 1 }, below: [{ device: { name: 'a' }, below: '200000', filters: [] }] },
                { counters: { bios: 0 } },
              ],
            },
          ],
        },
      ],
    });
    await rig.engine.finishRemap('m');
  });

  it('goes with its engine', async () => {
    await turned();
    await rig.engine.startRemap('m', 'disk:a');
    expect(await readAt('disk:a', 0)).toBe('a32');
  });

  it('follows the limits of the device that stands in, in all but size', async () => {
    const port = await rig.open('disk:a');
    await rig.engine.create('m', { table: '0 64 span disk:a 0 noexcl' });
    await rig.engine.startRemap('m', 'disk:a');
    await rig.engine.attachFilter('m', 'coarse');
    expect(port.limits).toMatchObject({ sectors: 64, logicalBlock: 4096 });
    expect(read(port, 1).status).toBe(Status.Inval);
    await rig.engine.attachFilter('disk:a', 'coarse@1000');
    await rig.engine.detachFilter('m', 'coarse');
    expect(port.limits.logicalBlock).toBe(4096);
    await rig.engine.detachFilter('disk:a', 'coarse');
    expect(port.limits.logicalBlock).toBe(512);
    await rig.engine.finishRemap('m');
  });
});

describe('a remap is refused', () => {
  it.each([
    ['nosuch', 'disk:a', 'ENXIO', 'no mapped device nosuch'],
    ['small', 'disk:a', 'EINVAL', 'small has 32 sectors, too few to stand in for a, which has 64'],
    ['frozen', 'disk:a', 'EROFS', 'filter remap: Device lookup failed: frozen is read-only'],
    ['bare', 'disk:a', 'ENXIO', 'bare has no table'],
    ['m', 'm', 'ELOOP', 'm would be stacked on itself'],
    ['m', 'disk:none', 'ENOENT', 'none'],
    ['used', 'disk:a', 'EBUSY', 'used is in use: shared claim of somebody'],
  ])('of %s over %s', async (mapped, device, code, message) => {
    await turned();
    await rig.engine.create('small', { table: '0 32 span disk:b 0 noexcl' });
    await rig.engine.create('frozen', { table: '0 64 span disk:b 0 noexcl', readOnly: true });
    await rig.engine.create('bare');
    await rig.engine.create('used', { table: '0 64 span disk:b 0 noexcl' });
    await rig.open('used', { claim: 'shared', holder: 'somebody' });
    await expect(rig.engine.startRemap(mapped, device)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(await rig.engine.filters()).toEqual([]);
  });

  it('twice by one device, and at an altitude that is taken', async () => {
    await turned();
    await turned('n');
    await rig.engine.startRemap('m', 'disk:a');
    await expect(rig.engine.startRemap('m', 'disk:b')).rejects.toMatchObject({
      code: 'EBUSY',
      message: 'm stands in for a already',
    });
    await expect(rig.engine.startRemap('n', 'disk:a')).rejects.toMatchObject({ code: 'EBUSY' });
    await rig.engine.finishRemap('m');
    await expect(rig.engine.finishRemap('m')).rejects.toMatchObject({
      code: 'EINVAL',
      message: 'm stands in for no device',
    });
  });

  it('while somebody needs the device that stands in: it neither shrinks nor goes', async () => {
    await turned();
    await rig.engine.startRemap('m', 'disk:a');
    await expect(rig.engine.load('m', '0 32 span disk:a 0 noexcl')).rejects.toMatchObject({
      code: 'EINVAL',
      message: 'm has 32 sectors, too few to stand in for a, which has 64',
    });
    await rig.engine.finishRemap('m');
    await rig.engine.load('m', '0 32 span disk:a 0 noexcl');
    await rig.engine.startRemap('m', 'disk:a');
    await expect(rig.engine.resume('m')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(rig.engine.remove('m')).rejects.toMatchObject({ code: 'EBUSY' });
    await rig.engine.remove('m', { force: true });
    expect(await readAt('disk:a', 2)).toBe('a2');
  });
});
