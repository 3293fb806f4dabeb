import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ALL_OPS, BioOp, fail, type Limits, makeLimits, opSet, SECTOR_SIZE } from '@interposer/core';

const SYSFS = '/sys/dev/block';

/**
 * What the kernel tells of a block device. A partition has its queue at its disk. EINVAL for a device without a medium.
 * `fallocate` says whether there is a call to discard with.
 */
export async function blockDeviceLimits(
  rdev: bigint,
  path: string,
  readOnly: boolean,
  fallocate: boolean,
  sysfs: string = SYSFS,
): Promise<Limits> {
  const number = `${String(majorOf(rdev))}:${String(minorOf(rdev))}`;
  const directory = join(sysfs, number);
  // In sectors of 512 bytes whatever the block size. Kernel: Documentation/ABI/stable/sysfs-block.
  const sectors = await attribute(directory, 'size');
  if (sectors === undefined) {
    throw fail(
      'EINVAL',
      `"${path}": cannot find out the size of block device ${number}: no ${directory}/size`,
    );
  }
  if (sectors === 0) throw fail('EINVAL', `"${path}" is empty: block device ${number} has no medium`);
  const isPartition = (await attribute(directory, 'partition')) !== undefined;
  const queue = join(directory, isPartition ? '../queue' : 'queue');
  const logicalBlock = (await attribute(queue, 'logical_block_size')) ?? SECTOR_SIZE;
  const granularity = fallocate && !readOnly ? ((await attribute(queue, 'discard_granularity')) ?? 0) : 0;
  return makeLimits(sectors, {
    readOnly,
    logicalBlock,
    physicalBlock: (await attribute(queue, 'physical_block_size')) ?? logicalBlock,
    ioMin: (await attribute(queue, 'minimum_io_size')) ?? logicalBlock,
    ioOpt: (await attribute(queue, 'optimal_io_size')) ?? 0,
    ops: granularity === 0 ? ALL_OPS & ~opSet(BioOp.Discard) : ALL_OPS,
    discardGranularity: granularity,
    volatileCache: true,
    rotational: (await attribute(queue, 'rotational')) === 1,
    fastZeroes: fallocate && ((await attribute(queue, 'write_zeroes_max_bytes')) ?? 0) > 0,
  });
}

async function attribute(directory: string, name: string): Promise<number | undefined> {
  const text = await readFile(join(directory, name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

/** Kernel: the device number as stat(2) gives it, 12 bits of major and 20 of minor in the halves that makedev(3) mixes. */
function majorOf(rdev: bigint): bigint {
  return ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
}

function minorOf(rdev: bigint): bigint {
  return (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
}
