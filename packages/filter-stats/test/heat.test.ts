import { BioOp } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Heat } from '../src/heat.ts';
import { DISK, Setup } from './support.ts';

describe('heat', () => {
  it.each([
    [1024, 64, 16, 64],
    [1000, 64, 16, 63],
    [10, 64, 1, 10],
    [1, 1, 1, 1],
    [0, 64, 1, 0],
    [2 ** 53 - 1, 65_536, 2 ** 37, 65_536],
    [1_000_003, 3, 333_335, 3],
  ])('of %i sectors in at most %i areas: areas of %i sectors, %i of them', (sectors, most, size, areas) => {
    const heat = new Heat(sectors, most);
    expect([heat.areaSectors, heat.reads.length, heat.writes.length]).toEqual([size, areas, areas]);
    if (sectors === 0) return;
    heat.add(BioOp.Write, sectors - 1, 1);
    expect(heat.writes.at(-1)).toBe(1);
  });

  it('counts a bio in each area it touches', () => {
    const heat = new Heat(64, 4);
    heat.add(BioOp.Read, 0, 16);
    heat.add(BioOp.Read, 15, 2);
    heat.add(BioOp.Read, 31, 18);
    heat.add(BioOp.Write, 63, 1);
    heat.add(BioOp.Write, 0, 64);
    for (const op of [BioOp.Flush, BioOp.Discard, BioOp.WriteZeroes]) heat.add(op, 0, 8);
    expect([...heat.reads]).toEqual([2, 3, 1, 1].map((count, area) => (area === 1 ? 2 : count)));
    expect([...heat.writes]).toEqual([1, 1, 1, 2]);
  });
});

describe('the heat of a device', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  it('has as many areas as it is told', async () => {
    setup = new Setup();
    await setup.start('stats areas=4');
    setup.send(BioOp.Read, 0, 8);
    setup.send(BioOp.Write, 250, 8);
    setup.send(BioOp.Write, 1023, 1);
    expect((await setup.report()).heat).toEqual({
      sectors: 1024,
      areaSectors: 256,
      reads: [1, 0, 0, 0],
      writes: [1, 1, 0, 1],
    });
  });

  it('starts anew where a table changes the size of the device, and only there', async () => {
    setup = new Setup();
    await setup.start('stats areas=4');
    setup.send(BioOp.Read, 0, 8);
    await setup.engine.suspend(DISK);
    await setup.engine.resume(DISK);
    expect((await setup.report()).heat.reads).toEqual([1, 0, 0, 0]);
    await setup.engine.load(DISK, '0 512 span chaos:a 0');
    await setup.engine.resume(DISK);
    setup.send(BioOp.Read, 511, 1);
    const { heat, operations } = await setup.report();
    expect(heat).toEqual({ sectors: 512, areaSectors: 128, reads: [0, 0, 0, 1], writes: [0, 0, 0, 0] });
    expect(operations.read!.bios).toBe(2);
  });
});
