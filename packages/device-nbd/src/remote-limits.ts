import { BioOp, fail, type Limits, makeLimits, type OpSet, opSet, SECTOR_SIZE } from '@interposer/core';
import { DEFAULT_MAX_PAYLOAD, TransmissionFlag } from '@interposer/nbd-protocol';
import type { RemoteExport } from './handshake.ts';

/** Sectors that a request of 28 bytes cannot tell of any more: its length has 32 bits. */
export const COMPACT_SECTORS: number = 2 ** 32 / SECTOR_SIZE;

/** The limits of a device on a remote export. EINVAL for one that is smaller than a block, or larger than 2^53 bytes. */
export function limitsOf({ size, flags, blockSizes, headers }: RemoteExport, readOnly: boolean): Limits {
  const { minimum, preferred, maximum } = blockSizes ?? {
    minimum: 1,
    preferred: 0,
    maximum: DEFAULT_MAX_PAYLOAD,
  };
  const logicalBlock = Math.max(SECTOR_SIZE, minimum);
  // A part of a block at the end cannot be reached by whole blocks.
  const sectors = Math.floor(size / logicalBlock) * (logicalBlock / SECTOR_SIZE);
  if (!Number.isFinite(size) || sectors === 0) {
    throw fail('EINVAL', `the export has ${String(size)} bytes: want at least a block of ${logicalBlock}`);
  }
  if (maximum < logicalBlock) {
    throw fail(
      'EINVAL',
      `the server takes requests of at most ${maximum} bytes: want a block of ${logicalBlock}`,
    );
  }
  const payload = Math.min(maximum, DEFAULT_MAX_PAYLOAD);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return makeLimits(sectors, {
    logicalBlock,
    physicalBlock: Math.max(logicalBlock, minimum),
    ioMin: logicalBlock,
    ioOpt: preferred,
    maxSectors: Math.floor(payload / logicalBlock) * (logicalBlock / SECTOR_SIZE),
    // Only what carries data is bound to the largest payload.
    maxRangeSectors:
      headers === 'extended' ? Number.MAX_SAFE_INTEGER : COMPACT_SECTORS - logicalBlock / SECTOR_SIZE,
    ops: opsOf(has),
    readOnly: readOnly || has(TransmissionFlag.ReadOnly),
    discardGranularity: has(TransmissionFlag.SendTrim) ? logicalBlock : 0,
    // A server that knows FAST_ZERO tells of each request only whether it is fast, and bios do not carry the question.
    fastZeroes: false,
    volatileCache: has(TransmissionFlag.SendFlush),
    rotational: has(TransmissionFlag.Rotational),
  });
}

function opsOf(has: (flag: number) => boolean): OpSet {
  let ops = opSet(BioOp.Read, BioOp.Write);
  if (has(TransmissionFlag.SendFlush)) ops |= opSet(BioOp.Flush);
  if (has(TransmissionFlag.SendTrim)) ops |= opSet(BioOp.Discard);
  if (has(TransmissionFlag.SendWriteZeroes)) ops |= opSet(BioOp.WriteZeroes);
  return ops;
}
