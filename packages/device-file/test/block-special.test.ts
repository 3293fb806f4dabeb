import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BioOp, hasOp } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { blockDeviceLimits } from '../src/block-special.ts';
import { useWorkshop } from './tools.ts';

const shop = useWorkshop();

/** Files as in /sys/dev/block. */
function sysfs(number: string, attributes: Readonly<Record<string, number>>): string {
  const root = join(shop().directory, 'sys');
  for (const [name, value] of Object.entries(attributes)) {
    const path = join(root, number, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `${String(value)}\n`);
  }
  return root;
}

/** As makedev(3) gives it to stat(2). */
const SDA = 0x800n;
const SDA1 = 0x801n;
/** 259:1048575 uses the upper bits. */
const FAR_NVME = 0xfff103ffn;

describe('a block special file', () => {
  it('is measured by what the kernel tells', async () => {
    const root = sysfs('8:0', {
      size: 4096,
      'queue/logical_block_size': 4096,
      'queue/physical_block_size': 8192,
      'queue/minimum_io_size': 16384,
      'queue/optimal_io_size': 65536,
      'queue/discard_granularity': 32768,
      'queue/rotational': 1,
    });
    expect(await blockDeviceLimits(SDA, '/dev/sda', false, true, root)).toMatchObject({
      sectors: 4096,
      logicalBlock: 4096,
      physicalBlock: 8192,
      ioMin: 16384,
      ioOpt: 65536,
      discardGranularity: 32768,
      rotational: true,
      volatileCache: true,
      readOnly: false,
    });
  });

  it('takes the queue of its disk when it is a partition', async () => {
    const root = sysfs('disk/8:1', { size: 100, partition: 1, '../queue/logical_block_size': 2048 });
    const limits = await blockDeviceLimits(SDA1, '/dev/sda1', true, true, join(root, 'disk'));
    expect(limits).toMatchObject({ sectors: 100, logicalBlock: 2048, readOnly: true });
    expect(hasOp(limits.ops, BioOp.Discard)).toBe(false);
  });

  it('finds large device numbers', async () => {
    const root = sysfs('259:1048575', { size: 8 });
    expect((await blockDeviceLimits(FAR_NVME, '/dev/nvme', false, false, root)).sectors).toBe(8);
  });

  it('offers no discard without a call for it, or where the device has none', async () => {
    const root = sysfs('8:0', { size: 8, 'queue/discard_granularity': 0 });
    const limits = await blockDeviceLimits(SDA, '/dev/sda', false, true, root);
    expect(hasOp(limits.ops, BioOp.Discard)).toBe(false);
    expect(hasOp(limits.ops, BioOp.WriteZeroes)).toBe(true);
  });

  it('is refused without a medium, and where its size cannot be found', async () => {
    const root = sysfs('8:0', { size: 0 });
    await expect(blockDeviceLimits(SDA, '/dev/sda', false, true, root)).rejects.toMatchObject({
      code: 'EINVAL',
      message: '"/dev/sda" is empty: block device 8:0 has no medium',
    });
    await expect(blockDeviceLimits(SDA1, '/dev/sda1', false, true, root)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('cannot find out the size of block device 8:1'),
    });
  });
});
