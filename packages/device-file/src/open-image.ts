import { type BigIntStats, constants, fstat as fstatCallback, open as openCallback } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  ALL_OPS,
  BioOp,
  type Driver,
  fail,
  fromSystemError,
  type Limits,
  makeLimits,
  type OpenRequest,
  opSet,
  SECTOR_SIZE,
} from '@interposer/core';
import { blockDeviceLimits } from './block-special.ts';
import { closeFile, FileDriver } from './file-driver.ts';
import { canPunch, canZeroRange } from './holes.ts';
import { lockImage } from './image-lock.ts';
import type { SystemCalls } from './syscalls.ts';

// Plain descriptors: those of node:fs/promises close themselves when nobody refers to them.
const open = promisify<string, number, number>(openCallback);
const fstat = promisify(fstatCallback);

/** What a file in the page cache is written in, at the smallest, without reading first. */
const PAGE = 4096;

const NO_DISCARD = ALL_OPS & ~opSet(BioOp.Discard);

/**
 * Opens a disk image or a block special file, locks it, and measures it. EINVAL for anything else and for an empty file,
 * EBUSY when somebody has it open in a way that excludes us, else what the operating system says.
 */
export async function openImage(request: OpenRequest, calls: SystemCalls): Promise<Driver> {
  const { spec: path, readOnly, clock, log, lost } = request;
  // Looked at before it is opened: opening a pipe waits for its other end.
  const isBlockDevice = await checkKind(path);
  const fd = await openPath(path, openFlags(readOnly, isBlockDevice));
  try {
    const stats = await fstat(fd, { bigint: true });
    const identity = identityOf(stats);
    const lock = await lockImage({ fd, path, identity, readOnly, ffi: calls.ffi, log });
    try {
      // Measured when nobody else changes it any more.
      const limits = await measure(fd, request, calls);
      return new FileDriver({
        path,
        fd,
        limits,
        lock,
        calls,
        clock,
        log,
        lost,
        isBlockDevice: stats.isBlockDevice(),
      });
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    await closeFile(calls, fd, path);
    throw error;
  }
}

async function checkKind(path: string): Promise<boolean> {
  const stats = await stat(path).catch((error: unknown) => {
    throw fromSystemError(error, `cannot open "${path}"`);
  });
  if (stats.isFile()) return false;
  if (stats.isBlockDevice()) return true;
  const kind = stats.isDirectory()
    ? 'a directory'
    : stats.isCharacterDevice()
      ? 'a character device'
      : 'a pipe or socket';
  throw fail('EINVAL', `"${path}" is ${kind}: want a disk image or a block device`);
}

/** Kernel: O_EXCL without O_CREAT claims a block device, so that one that is mounted is not written to. */
function openFlags(readOnly: boolean, isBlockDevice: boolean): number {
  if (readOnly) return constants.O_RDONLY;
  return isBlockDevice ? constants.O_RDWR | constants.O_EXCL : constants.O_RDWR;
}

function openPath(path: string, flags: number): Promise<number> {
  return open(path, flags).catch((error: unknown) => {
    throw fromSystemError(error, `cannot open "${path}"`);
  });
}

/** One text for one image, whatever its names. */
function identityOf(stats: BigIntStats): string {
  return stats.isBlockDevice() ? `b${String(stats.rdev)}` : `${String(stats.dev)}-${String(stats.ino)}`;
}

async function measure(
  fd: number,
  { spec, readOnly, log }: OpenRequest,
  { ffi }: SystemCalls,
): Promise<Limits> {
  const stats = await fstat(fd, { bigint: true });
  if (stats.isBlockDevice()) return blockDeviceLimits(stats.rdev, spec, readOnly, ffi !== undefined);
  const size = Number(stats.size);
  const sectors = Math.floor(size / SECTOR_SIZE);
  if (size === 0) throw fail('EINVAL', `"${spec}" is empty: give it a size first, e.g. with truncate -s`);
  if (sectors === 0)
    throw fail('EINVAL', `"${spec}" has ${size} bytes, less than one sector of ${SECTOR_SIZE}`);
  if (size % SECTOR_SIZE !== 0) {
    // As the kernel's loop devices do.
    log(`${spec}: the last ${size % SECTOR_SIZE} bytes are no whole sector and are left alone`);
  }
  const discard = !readOnly && ffi !== undefined && (await canPunch(ffi, fd, size));
  const fastZeroes = discard && (await canZeroRange(ffi, fd, size));
  return makeLimits(sectors, {
    readOnly,
    physicalBlock: PAGE,
    ioMin: PAGE,
    ops: discard ? ALL_OPS : NO_DISCARD,
    discardGranularity: discard ? Number(stats.blksize) : 0,
    volatileCache: true,
    fastZeroes,
  });
}
