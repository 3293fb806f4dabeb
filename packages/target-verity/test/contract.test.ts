/*
 * The kit's suite writes what it reads; a verity device takes no writes, and stands on disks that were formatted before. So
 * these are the contract's cases for such a device.
 */
import { type ChaosOptions, passFilter } from '@interposer/conformance';
import { type Bio, BioOp, bioPool, type Port, Random, Status } from '@interposer/core';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const OLD = 0xa5;
const FAR = Number.MAX_SAFE_INTEGER;

const SURROUNDINGS: readonly (readonly [name: string, chaos: Partial<ChaosOptions>, filters: boolean])[] = [
  ['plain', {}, false],
  ['under pass-through filters', {}, true],
  ['over late and reordering disks', { delay: 3, limits: { maxSectors: 24 } }, false],
];

describe.each(SURROUNDINGS)('%s', (_, chaos, hasFilters) => {
  let world: World;
  let port: Port;
  let ended: number;

  beforeEach(async () => {
    world = await World.make({}, chaos, [passFilter]);
    port = await world.open();
    ended = 0;
    if (!hasFilters) return;
    for (const device of ['chaos:data', 'chaos:hash', 'x'])
      for (const altitude of ['300000', '300000.5'])
        await world.engine.attachFilter(device, `pass@${altitude}`);
  });

  /** Sends a bio, and resolves to its status. */
  function send(op: BioOp, sector: number, count: number, buffer: Uint8Array, offset = 0): Promise<number> {
    return new Promise((resolve) => {
      const bio = bioPool.get();
      Object.assign(bio, { op, sector, count, buffer, bufferOffset: offset });
      bio.end = (done: Bio): void => {
        ended++;
        const { status } = done;
        bioPool.put(done);
        resolve(status);
      };
      port.submit(bio);
    });
  }

  async function readAll(): Promise<Buffer> {
    return Buffer.from(await port.read(0, 300));
  }

  it.each([
    ['no sectors', 0, 0, Status.Inval],
    ['one sector past the end', 300, 1, Status.Inval],
    ['across the end', 299, 2, Status.Inval],
    ['longer than the device', 0, 301, Status.Inval],
    ['the largest sector number', FAR, 1, Status.Inval],
    ['a sum that overflows', FAR - 1, 2, Status.Inval],
    ['a negative sector', -1, 1, Status.Inval],
    ['a sector that is no number', NaN, 1, Status.Inval],
    ['a sector within one', 0.5, 1, Status.Inval],
    ['the first sector', 0, 1, Status.Ok],
    ['the last sector', 299, 1, Status.Ok],
    ['all of it', 0, 300, Status.Ok],
  ])('a read of %s', async (_what, sector, count, status) => {
    expect(await send(BioOp.Read, sector, count, Buffer.alloc(301 * 512))).toBe(status);
    expect(ended).toBe(1);
    expect((await readAll()).equals(world.good)).toBe(true);
  });

  it.each([
    ['write', BioOp.Write, Status.Perm],
    ['discard', BioOp.Discard, Status.NotSup],
    ['write of zeroes', BioOp.WriteZeroes, Status.NotSup],
  ])('a %s is refused, and reaches no disk', async (_what, op, status) => {
    expect(await send(op, 0, 8, Buffer.alloc(4096))).toBe(status);
    await expect(world.engine.open('x', { mode: 'write' })).rejects.toMatchObject({ code: 'EROFS' });
    expect([world.data.arrived[op], world.hash.arrived[op]]).toEqual([0, 0]);
    expect((await readAll()).equals(world.good)).toBe(true);
  });

  it.each([0, 1, 512, 513, 4096])(
    'nothing but the window at byte %i of a buffer is touched',
    async (offset) => {
      const buffer = Buffer.alloc(offset + 20 * 512 + 777, OLD);
      expect(await send(BioOp.Read, 40, 20, buffer, offset)).toBe(Status.Ok);
      const wanted = Buffer.alloc(buffer.length, OLD);
      world.good.copy(wanted, offset, 40 * 512, 60 * 512);
      expect(buffer.equals(wanted)).toBe(true);
    },
  );

  it('a window that is larger than its buffer is refused', async () => {
    expect(await send(BioOp.Read, 0, 8, new Uint8Array(8 * 512 - 1))).toBe(Status.Inval);
    expect(await send(BioOp.Read, 0, 8, new Uint8Array(8 * 512), 1)).toBe(Status.Inval);
  });

  it('a request with a bad block in its middle fails once, shows nothing, and its neighbours are well', async () => {
    world.data.data[150 * 512 + 9]! ^= 0x40;
    const buffers = [100, 140, 160].map(() => Buffer.alloc(20 * 512, OLD));
    const statuses = await Promise.all(
      [100, 140, 160].map((sector, at) => send(BioOp.Read, sector, 20, buffers[at]!)),
    );
    expect(statuses).toEqual([Status.Ok, Status.Io, Status.Ok]);
    expect(ended).toBe(3);
    expect(buffers[1]!.every((byte) => byte === 0)).toBe(true);
    expect(buffers[2]!.equals(world.good.subarray(160 * 512, 180 * 512))).toBe(true);
  });

  it('each request of many ends once, and none is left', async () => {
    await readAll();
    const outstanding = bioPool.outstanding;
    const random = new Random(17);
    const reads = Array.from({ length: 200 }, async () => {
      const count = random.pick([1, 2, 8, 64, 256]);
      const sector = random.below(301 - count);
      const buffer = Buffer.alloc(count * 512, OLD);
      expect(await send(BioOp.Read, sector, count, buffer)).toBe(Status.Ok);
      expect(buffer.equals(world.good.subarray(sector * 512, (sector + count) * 512))).toBe(true);
    });
    await Promise.all(reads);
    expect(ended).toBe(200);
    expect(bioPool.outstanding).toBe(outstanding);
  });

  it('requests wait while suspended, and reach no disk', async () => {
    await world.engine.suspend('x');
    const before = [world.data.requests, world.hash.requests];
    const reading = readAll();
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect([world.data.requests, world.hash.requests]).toEqual(before);
    await world.engine.resume('x');
    expect((await reading).equals(world.good)).toBe(true);
  });

  it('its table is swapped for one that knows nothing yet, while it is read', async () => {
    const [row] = await world.engine.table('x');
    const reads = Array.from({ length: 40 }, (_one, at) => port.read(at * 7, 7));
    const table = `0 300 verity ${row!.params}`;
    await world.engine.load('x', table, { readOnly: true });
    await world.engine.resume('x');
    reads.push(...Array.from({ length: 40 }, (_one, at) => port.read(at * 7, 7)));
    const bytes = Buffer.concat(await Promise.all(reads));
    const wanted = world.good.subarray(0, 280 * 512);
    expect(bytes.equals(Buffer.concat([wanted, wanted]))).toBe(true);
    expect(await world.engine.table('x')).toEqual([row]);
    expect(world.faults).toEqual([]);
  });

  it('is removed with its ports, and opens its disks again', async () => {
    await readAll();
    await world.remove(port);
    for (const disk of ['chaos:data', 'chaos:hash'])
      (await world.engine.open(disk, { claim: 'exclusive' })).close();
    port = await world.open('ignore_zero_blocks');
    expect((await readAll()).equals(world.good)).toBe(true);
  });

  it('shows no holes', async () => {
    expect(await port.extents(0, 300)).toEqual([{ sector: 0, count: 300, hole: false, zero: false }]);
  });
});
