import { BioFlag, BioOp, createEngine, SECTOR_SIZE, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { chaosDriver, checkSector, checkZeroes, Random, stampSector, VirtualClock } from '../src/index.ts';

describe('stamps', () => {
  const buffer = new Uint8Array(3 * SECTOR_SIZE);

  it('tell wrong place, wrong time, zeroes and corruption apart', () => {
    stampSector(buffer, 512, 2 ** 40, 7);
    expect(checkSector(buffer, 512, 2 ** 40, 7)).toBeUndefined();
    expect(checkSector(buffer, 512, 2 ** 40 + 1, 7)).toMatch(/holds sector 1099511627776 \(wrong place\)/);
    expect(checkSector(buffer, 512, 2 ** 40, 8)).toMatch(/an earlier write 7 \(wrong time\)/);
    expect(checkSector(buffer, 512, 2 ** 40, 6)).toMatch(/a later write 7 \(wrong time\)/);
    expect(checkSector(buffer, 0, 0, 1)).toMatch(/is zeroes/);
    expect(checkZeroes(buffer, 512, 0)).toMatch(/should be zeroes but holds sector/);
    buffer[600]! ^= 1;
    expect(checkSector(buffer, 512, 2 ** 40, 7)).toMatch(/damaged stamp \(corruption\)/);
    buffer[512]! ^= 1;
    expect(checkSector(buffer, 512, 2 ** 40, 7)).toMatch(/no stamp \(corruption\)/);
  });
});

describe('VirtualClock', () => {
  it('runs timers at their own time and in order, those started meanwhile too', () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    clock.after(20, () => log.push(`b ${String(clock.now())}`));
    clock.after(10, () => {
      log.push(`a ${String(clock.now())}`);
      clock.after(5, () => log.push(`c ${String(clock.now())}`));
    });
    clock.after(20, () => log.push('d')).cancel();
    clock.advance(15);
    expect(log).toEqual(['a 10', 'c 15']);
    clock.advance(100);
    expect(log).toEqual(['a 10', 'c 15', 'b 20']);
    expect([clock.now(), clock.pending]).toEqual([115, 0]);
  });
});

describe('Random', () => {
  it('gives the same numbers for the same seed, all of a range', () => {
    const [a, b] = [new Random(5), new Random(5)];
    const numbers = Array.from({ length: 200 }, () => a.between(3, 6));
    expect(Array.from({ length: 200 }, () => b.between(3, 6))).toEqual(numbers);
    expect([...new Set(numbers)].sort()).toEqual([3, 4, 5, 6]);
  });
});

describe('a chaos disk', () => {
  async function open(options: { delay?: number; volatile?: boolean } = {}) {
    const chaos = chaosDriver();
    const disk = chaos.add('a', { sectors: 64, ...options });
    const clock = new VirtualClock();
    const engine = createEngine({ types: [chaos], clock });
    return { disk, clock, port: await engine.open('chaos:a') };
  }
  const data = new Uint8Array(SECTOR_SIZE).fill(1);

  it('holds bios until they are released, in either order', async () => {
    const { disk, port } = await open();
    disk.hold(({ op }) => op === BioOp.Read);
    await port.write(0, data);
    const order: number[] = [];
    const reads = [0, 1, 2].map((sector) => port.read(sector, 1).then(() => order.push(sector)));
    expect(disk.held).toHaveLength(3);
    expect(disk.releaseOne()).toBe(true);
    disk.release('newest');
    await Promise.all(reads);
    expect(order).toEqual([0, 2, 1]);
    expect(disk.releaseOne()).toBe(false);
  });

  it('fails the bios that were asked for and no other', async () => {
    const { disk, port } = await open();
    disk.fail(Status.NoSpc, { op: BioOp.Write, skip: 1, times: 1 });
    await port.write(0, data);
    await port.read(0, 1);
    await expect(port.write(0, data)).rejects.toMatchObject({ code: 'ENOSPC' });
    await port.write(0, data);
    disk.fail(Status.Io);
    await expect(port.flush()).rejects.toMatchObject({ code: 'EIO' });
    disk.heal();
    await port.flush();
  });

  it('takes its time, so that bios overtake one another', async () => {
    const { clock, port } = await open({ delay: 10 });
    const order: number[] = [];
    const reads = Array.from({ length: 16 }, (_, i) => port.read(i, 1).then(() => order.push(i)));
    await Promise.resolve();
    expect(order).toEqual([]);
    for (let i = 0; i < 10; i++) {
      clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(reads);
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
  });

  it('loses in a power cut what was neither flushed nor written with FUA', async () => {
    const { disk, port } = await open({ volatile: true });
    await port.write(0, data);
    await port.flush();
    await port.write(1, data);
    await port.write(2, data, BioFlag.Fua);
    disk.cutPower();
    const survived = [0, 1, 2].map((sector) => disk.data[sector * SECTOR_SIZE] === 1);
    expect(survived).toEqual([true, false, true]);
  });
});
