import { statSync } from 'node:fs';
import { BioFlag, BioOp, hasOp } from '@interposer/core';
import { describe, expect, it, vi } from 'vitest';
import { holds, stamped, useWorkshop, zeroes } from './tools.ts';

const shop = useWorkshop();
const MIB = 2 ** 20;
const SECTORS = (2 * MIB) / 512;

describe('holes, with koffi', () => {
  it('tells holes from data', async () => {
    const port = await shop().open(shop().image(2 * MIB));
    expect(await port.extents(0, SECTORS)).toEqual([{ sector: 0, count: SECTORS, hole: true, zero: true }]);
    await port.write(128, stamped(128, 128));
    await port.write(3072, stamped(3072, 1024));
    await port.flush();
    expect(await port.extents(8, SECTORS - 8)).toEqual([
      { sector: 8, count: 120, hole: true, zero: true },
      { sector: 128, count: 128, hole: false, zero: false },
      { sector: 256, count: 2816, hole: true, zero: true },
      { sector: 3072, count: 1024, hole: false, zero: false },
    ]);
    expect(await port.extents(130, 3)).toEqual([{ sector: 130, count: 3, hole: false, zero: false }]);
  });

  it.each(['discard', 'writeZeroes'] as const)('%s gives room back', async (verb) => {
    const path = shop().image(2 * MIB);
    const port = await shop().open(path);
    expect(hasOp(port.device.limits.ops, BioOp.Discard)).toBe(true);
    expect(port.device.limits.discardGranularity).toBe(statSync(path).blksize);
    await port.write(0, stamped(0, SECTORS));
    await port.flush();
    const full = statSync(path).blocks;
    await port[verb](1001, 2001);
    await port.flush();
    expect(statSync(path).blocks).toBeLessThanOrEqual(full - 1984);
    expect(await holds(port, 0, stamped(0, 1001))).toBe(true);
    expect(await holds(port, 1001, zeroes(2001))).toBe(true);
    expect(await holds(port, 3002, stamped(3002, SECTORS - 3002))).toBe(true);
    expect(statSync(path).size).toBe(2 * MIB);
  });

  it('keeps room for zeroes that must stay allocated', async () => {
    const path = shop().image(2 * MIB);
    const port = await shop().open(path);
    await port.write(0, stamped(0, 2048));
    await port.writeZeroes(1024, 2048, BioFlag.NoUnmap);
    await port.flush();
    expect(statSync(path).blocks).toBeGreaterThanOrEqual(3072);
    expect(await holds(port, 0, stamped(0, 1024))).toBe(true);
    expect(await holds(port, 1024, zeroes(2048))).toBe(true);
  });
});

describe('holes, without koffi', () => {
  it('offers no discard, writes its zeroes, and calls everything data', async () => {
    vi.stubEnv('INTERPOSER_NO_FFI', '1');
    const path = shop().image(4 * MIB);
    const port = await shop().open(path);
    const { limits } = port.device;
    expect(hasOp(limits.ops, BioOp.Discard)).toBe(false);
    expect(limits.discardGranularity).toBe(0);
    await expect(port.discard(0, 8)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await port.write(0, stamped(0, limits.sectors));
    await port.writeZeroes(1001, 5001);
    await port.writeZeroes(7001, 8, BioFlag.Fua);
    await port.flush();
    expect(await holds(port, 0, stamped(0, 1001))).toBe(true);
    expect(await holds(port, 1001, zeroes(5001))).toBe(true);
    expect(await holds(port, 6002, stamped(6002, 999))).toBe(true);
    expect(await holds(port, 7001, zeroes(8))).toBe(true);
    expect(statSync(path).blocks).toBeGreaterThanOrEqual(limits.sectors);
    expect(await port.extents(5, 100)).toEqual([{ sector: 5, count: 100, hole: false, zero: false }]);
  });
});
