import { BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup, stamps, versionsIn } from './support.ts';

let setup: Setup;

async function start(words: string, options: ConstructorParameters<typeof Setup>[0] = {}): Promise<void> {
  setup = await new Setup(options).start(words);
}

afterEach(() => setup.stop());

describe('misdirect', () => {
  it('a write lands elsewhere, and its right place stays as it was', async () => {
    await start('on write do misdirect=+100');
    expect(await setup.write(8, 4, 1)).toBe(Status.Ok);
    expect(setup.versions(8, 4)).toBe('aaaa');
    expect(versionsIn(setup.disk.data, 108 * 512, 8, 4)).toBe('bbbb');
  });

  it('a read comes from elsewhere', async () => {
    await start('on read do misdirect=-4');
    const { buffer } = await setup.send({ op: BioOp.Read, sector: 10, count: 4 });
    expect(versionsIn(buffer, 0, 6, 4)).toBe('aaaa');
  });

  it('zeroes and discards go elsewhere', async () => {
    await start('on discard,write-zeroes do misdirect=+2');
    await setup.send({ op: BioOp.Discard, sector: 0, count: 2 });
    await setup.send({ op: BioOp.WriteZeroes, sector: 8, count: 2 });
    expect(setup.versions(0, 12)).toBe('aa00aaaaaa00');
  });

  it.each([
    ['+8', 1020, 4, 1012],
    ['-8', 4, 4, 12],
    ['+1000', 10, 4, 1010],
    ['+1023', 500, 4, 1020],
    ['-1023', 520, 4, 0],
    ['+1', 0, 1024, 0],
    ['random', 0, 1024, 0],
  ])('by %s from %i+%i ends at %i, inside the device', async (by, sector, count, place) => {
    await start(`on read do misdirect=${by}`);
    const { buffer, status } = await setup.send({ op: BioOp.Read, sector, count });
    expect(status).toBe(Status.Ok);
    expect(versionsIn(buffer, 0, place, count)).toBe('a'.repeat(count));
  });

  it('in whole blocks of the disk', async () => {
    await start('on write do misdirect=+1', { limits: { logicalBlock: 4096 } });
    await setup.write(16, 8, 1);
    expect(versionsIn(setup.disk.data, 24 * 512, 16, 8)).toBe('b'.repeat(8));
  });

  it('at random: anywhere on the device but the right place, never overlapping it where there is room', async () => {
    await start('seed=4 on read do misdirect', { sectors: 8 });
    const places = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const { buffer } = await setup.send({ op: BioOp.Read, sector: 3, count: 2 });
      places.add([0, 1, 2, 3, 4, 5, 6].find((place) => versionsIn(buffer, 0, place, 2) === 'aa')!);
    }
    expect([...places].sort()).toEqual([0, 1, 5, 6]);
    const overlapping = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const { buffer } = await setup.send({ op: BioOp.Read, sector: 1, count: 6 });
      overlapping.add([0, 1, 2].find((place) => versionsIn(buffer, 0, place, 6) === 'aaaaaa')!);
    }
    expect([...overlapping].sort()).toEqual([0, 2]);
  });
});

describe('rot', () => {
  function flipped(buffer: Uint8Array, expected: Uint8Array): number[] {
    const bits: number[] = [];
    for (let i = 0; i < buffer.length * 8; i++)
      if (((buffer[i >> 3]! ^ expected[i >> 3]!) >> (i & 7)) & 1) bits.push(i);
    return bits;
  }

  it('on read: only in what is returned', async () => {
    await start('seed=1 on read do rot');
    const { buffer } = await setup.send({ op: BioOp.Read, sector: 8, count: 4 });
    expect(flipped(buffer, stamps(8, 4, 0))).toHaveLength(1);
    expect(setup.versions(8, 4)).toBe('aaaa');
  });

  it('on write: only in what is stored', async () => {
    await start('seed=1 on write do rot bits=7');
    // The support checks that the data of the writer was not changed.
    expect(await setup.write(8, 4, 1)).toBe(Status.Ok);
    expect(flipped(setup.disk.data.subarray(8 * 512, 12 * 512), stamps(8, 4, 1))).toHaveLength(7);
  });

  it('inside the window of a larger buffer, whatever its offset', async () => {
    await start('seed=1 on read,write do rot bits=100');
    const around = new Uint8Array(2048).fill(7);
    await setup.send({ op: BioOp.Read, count: 2, buffer: around, offset: 300 });
    expect(around.subarray(0, 300).every((byte) => byte === 7)).toBe(true);
    expect(around.subarray(1324).every((byte) => byte === 7)).toBe(true);
    expect(flipped(around.subarray(300, 1324), stamps(0, 2, 0))).toHaveLength(100);
    const writing = Buffer.concat([Buffer.alloc(77, 1), stamps(0, 2, 4), Buffer.alloc(9, 1)]);
    const before = Buffer.from(writing);
    await setup.send({ op: BioOp.Write, count: 2, buffer: writing, offset: 77 });
    expect(writing).toEqual(before);
    expect(flipped(setup.disk.data.subarray(0, 1024), stamps(0, 2, 4))).toHaveLength(100);
  });

  it('at=<byte>: different bits of that byte, and nothing of a request that ends before it', async () => {
    await start('seed=2 on read do rot bits=3 at=600');
    const { buffer } = await setup.send({ op: BioOp.Read, count: 2 });
    const bits = flipped(buffer, stamps(0, 2, 0));
    expect(bits.map((bit) => bit >> 3)).toEqual([600, 600, 600]);
    expect(await setup.seen(0, 1)).toBe('a');
  });

  it('bits=4096: more than a byte has are all of the byte, as many as a sector has all of it', async () => {
    await start('on read do rot bits=4096 at=1 on write do rot bits=4096');
    const { buffer } = await setup.send({ op: BioOp.Read });
    expect(flipped(buffer, stamps(0, 1, 0))).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
    await setup.write(0, 1, 1);
    expect(flipped(setup.disk.data.subarray(0, 512), stamps(0, 1, 1))).toHaveLength(4096);
  });

  it('a read that fails shows zeroes', async () => {
    await start('on read do rot');
    setup.disk.fail(Status.NoData);
    const { buffer, status } = await setup.send({ op: BioOp.Read });
    expect(status).toBe(Status.NoData);
    expect(versionsIn(buffer, 0, 0, 1)).toBe('0');
  });
});

describe('stale', () => {
  it('a read returns what was there before the latest write', async () => {
    await start('on read sectors=0+512 do stale');
    expect(await setup.seen(0, 4)).toBe('aaaa');
    await setup.write(1, 2, 1);
    expect(await setup.seen(0, 4)).toBe('aaaa');
    expect(setup.versions(0, 4)).toBe('abba');
    await setup.write(2, 2, 2);
    expect(await setup.seen(0, 4)).toBe('aaba');
    expect(setup.versions(0, 4)).toBe('abcc');
  });

  it('zeroes and discards are writes, too', async () => {
    await start('on read do stale');
    await setup.send({ op: BioOp.WriteZeroes, sector: 0, count: 2 });
    await setup.send({ op: BioOp.Discard, sector: 2, count: 2 });
    expect(await setup.seen(0, 5)).toBe('aaaaa');
    await setup.write(0, 4, 1);
    expect(await setup.seen(0, 5)).toBe('0000a');
  });

  it('what was written before there was such a rule, or while there was none, is not known', async () => {
    await start('');
    await setup.write(0, 1, 1);
    await setup.message('add on read do stale');
    await setup.write(1, 1, 1);
    expect(await setup.seen(0, 2)).toBe('ba');
    await setup.message('remove all');
    await setup.write(2, 1, 1);
    await setup.message('add on read do stale');
    expect(await setup.seen(0, 3)).toBe('bbb');
  });

  it('history=<size>: the oldest goes first', async () => {
    await start('history=4K on read do stale');
    for (let sector = 0; sector < 10; sector++) await setup.write(sector, 1, 1);
    expect(await setup.seen(0, 10)).toBe('bbaaaaaaaa');
    await setup.write(9, 1, 2);
    expect(await setup.seen(0, 10)).toBe('bbaaaaaaab');
    expect(setup.versions(0, 10)).toBe('bbbbbbbbbc');
  });

  it('of a change that is larger than the history the first sectors are known', async () => {
    await start('history=4K on read do stale');
    await setup.write(0, 4, 1);
    await setup.write(2, 12, 2);
    expect(await setup.seen(0, 14)).toBe('ccbbaaaaaacccc'.replace('cc', 'bb'));
    expect(setup.versions(0, 14)).toBe('bbcccccccccccc');
  });

  it('in pieces where the change is large', async () => {
    await start('on read do stale', { sectors: 8192 });
    await setup.send({ op: BioOp.WriteZeroes, sector: 1, count: 5000 });
    expect(setup.disk.arrived[BioOp.Read]).toBe(3);
    expect(await setup.seen(0, 5010)).toBe('a'.repeat(5010));
    expect(setup.versions(0, 5002)).toBe(`a${'0'.repeat(5000)}a`);
  });

  it('what could not be read before it was overwritten is not known, and is written all the same', async () => {
    await start('on read do stale');
    await setup.write(0, 2, 1);
    setup.disk.fail(Status.NoData, { op: BioOp.Read, times: 1 });
    expect(await setup.write(1, 1, 2)).toBe(Status.Ok);
    expect(await setup.seen(0, 2)).toBe('ac');
  });
});
