import { Random, Status } from '@interposer/core';
import { setImmediate } from 'node:timers/promises';
import { hashAlgorithm } from '@interposer/format-verity';
import { describe, expect, it } from 'vitest';
import { outcome, World } from './world.ts';

describe('verity', () => {
  it.each([
    ['small blocks', {}, {}],
    ['late disks that answer in another order', {}, { delay: 2, limits: { maxSectors: 24 } }],
    ['large blocks of data', { dataBlockSize: 4096, dataBlocks: 70 }, {}],
    ['large blocks of hashes', { hashBlockSize: 4096, hashType: 0 as const }, { delay: 1 }],
    ['long digests, no salt', { algorithm: hashAlgorithm('sha512'), salt: new Uint8Array(0) }, {}],
    ['a single block', { dataBlocks: 1 }, {}],
  ])('gives the data back: %s', async (_, given, chaos) => {
    const world = await World.make(given, chaos);
    const port = await world.open();
    const random = new Random(7);
    const block = world.params.dataBlockSize / 512;
    const blocks = world.good.length / world.params.dataBlockSize;
    const reads = Array.from({ length: 150 }, async () => {
      const first = random.below(blocks);
      const count = 1 + random.below(Math.min(64, blocks - first));
      const bytes = await port.read(first * block, count * block);
      const wanted = world.good.subarray(first * block * 512, (first + count) * block * 512);
      expect(Buffer.from(bytes).equals(wanted)).toBe(true);
    });
    await Promise.all(reads);
    expect(await world.status()).toBe('V');
    await port.flush();
  });

  it('finds each byte of the data and of the tree that is changed', async () => {
    const world = await World.make({ dataBlocks: 20 });
    let port = await world.open('ignore_zero_blocks');
    const missed: string[] = [];
    const check = async (name: string, bytes: Uint8Array, at: number, sector: number): Promise<void> => {
      bytes[at]! ^= 1 << (at % 8);
      if ((await outcome(port.read(sector, 1))) !== 'EIO') missed.push(`${name} ${String(at)}`);
      bytes[at]! ^= 1 << (at % 8);
    };
    for (let at = 0; at < world.data.data.length; at++) await check('data', world.data.data, at, at >> 9);
    expect(await outcome(port.read(0, 20))).toBe('ok');
    // Blocks of the tree that were verified are kept, so each byte needs a new device. Which data the block is for: block 1 is
    // the top, the others have 16 digests each.
    for (let at = 512; at < world.hash.data.length; at++) {
      await world.remove(port);
      port = await world.open();
      await check('hash', world.hash.data, at, at < 1536 ? 0 : 16);
    }
    expect(missed).toEqual([]);
  });

  it('shows nothing of a request of which a block is corrupted', async () => {
    const world = await World.make();
    const port = await world.open();
    world.data.data[100 * 512]! ^= 1;
    const buffer = Buffer.alloc(8 * 512, 'x');
    expect(await outcome(port.read(96, 8, buffer))).toBe('EIO');
    expect(buffer.every((byte) => byte === 0)).toBe(true);
  });

  it('tells of each corrupted block, up to a hundred', async () => {
    const world = await World.make();
    const port = await world.open();
    world.data.data.fill(1);
    for (let sector = 0; sector < 120; sector++) expect(await outcome(port.read(sector, 1))).toBe('EIO');
    expect(world.log[0]).toMatch(/^\d+:\d+: data block 0 is corrupted$/);
    expect(world.log[1]).toContain('data block 1 is corrupted');
    expect(world.log).toHaveLength(101);
    expect(world.log.at(-1)).toContain('reached maximum errors');
    expect((await world.engine.info('x')).eventNr).toBe(100);
    expect(await world.status()).toBe('C');
  });

  it.each(['restart', 'panic'] as const)('%s_on_corruption: nothing is answered any more', async (action) => {
    const world = await World.make();
    const port = await world.open(`${action}_on_corruption`);
    await port.read(0, 8);
    world.data.data[100 * 512]! ^= 1;
    expect(await outcome(port.read(100, 1))).toBe('EIO');
    expect(await outcome(port.read(0, 8))).toBe('EIO');
    expect(world.emergencies).toEqual([action]);
    expect(world.log.at(-1)).toContain('dm-verity device corrupted: every read fails from now on');
  });

  it('a block that was put right again is read again', async () => {
    const world = await World.make();
    const port = await world.open();
    world.hash.data[1 * 512]! ^= 1;
    expect(await outcome(port.read(0, 1))).toBe('EIO');
    world.hash.data[1 * 512]! ^= 1;
    expect(await outcome(port.read(0, 1))).toBe('ok');
  });

  it('lets others have their turn while much is verified', async () => {
    const world = await World.make({ dataBlocks: 4096, dataBlockSize: 4096, hashBlockSize: 4096 });
    const port = await world.open();
    let isDone = false;
    const reading = port.read(0, world.good.length / 512).then((bytes) => {
      isDone = true;
      return bytes;
    });
    let turns = 0;
    for (; !isDone; turns++) await setImmediate();
    expect(turns).toBeGreaterThan(4);
    expect(Buffer.from(await reading).equals(world.good)).toBe(true);
  });
});

describe('what cannot be read', () => {
  it('fails, and is no corruption', async () => {
    const world = await World.make();
    const port = await world.open();
    world.hash.fail(Status.NoData);
    expect(await outcome(port.read(0, 8))).toBe('EIO');
    world.hash.heal();
    world.data.fail(Status.Io, { times: 1 });
    expect(await outcome(port.read(0, 8))).toBe('EIO');
    expect(await outcome(port.read(0, 8))).toBe('ok');
    expect(await world.status()).toBe('V');
    expect(world.log).toEqual([]);
  });

  it.each([
    ['restart_on_error', 'data', 'restart'],
    ['panic_on_error', 'hash', 'panic'],
  ] as const)('%s', async (option, disk, action) => {
    const world = await World.make();
    const port = await world.open(option);
    world[disk].fail(Status.Io);
    expect(await outcome(port.read(0, 8))).toBe('EIO');
    world[disk].heal();
    expect(await outcome(port.read(0, 8))).toBe('EIO');
    expect(world.emergencies).toEqual([action]);
  });
});

describe('as a filter', () => {
  it('makes a live device read-only and finds what is corrupted', async () => {
    const world = await World.make();
    const port = await world.engine.open('chaos:data', { claim: 'noexcl' });
    await world.engine.attachFilter('chaos:data', `verity 1 chaos:hash ${world.words('ignore_zero_blocks')}`);
    expect(Buffer.from(await port.read(0, 300)).equals(world.good)).toBe(true);
    expect(await outcome(port.write(0, new Uint8Array(512)))).toBe('EPERM');
    world.data.data[5 * 512]! ^= 1;
    expect(await outcome(port.read(5, 1))).toBe('EIO');
    expect(await port.extents(0, 300)).toEqual([{ sector: 0, count: 300, hole: false, zero: false }]);
    const [filter] = await world.engine.filters('chaos:data');
    expect(filter).toMatchObject({
      status: 'C',
      args: expect.stringMatching(/^1 \d+:\d+ 512 512 300 1 sha256 /),
    });
    await world.engine.detachFilter('chaos:data', 'verity');
    await port.write(0, new Uint8Array(512));
    port.close();
  });
});
