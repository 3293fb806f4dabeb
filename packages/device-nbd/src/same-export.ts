import { type Limits, SECTOR_SIZE } from '@interposer/core';
import { TransmissionFlag } from '@interposer/nbd-protocol';
import type { RemoteExport } from './handshake.ts';
import { COMPACT_SECTORS } from './remote-limits.ts';

/** What was promised to the users of the device and must not go away. */
const ABILITIES: readonly (readonly [flag: number, name: string])[] = [
  [TransmissionFlag.SendFlush, 'FLUSH'],
  [TransmissionFlag.SendFua, 'FUA'],
  [TransmissionFlag.SendTrim, 'TRIM'],
  [TransmissionFlag.SendWriteZeroes, 'WRITE_ZEROES'],
];

/**
 * Why the export that is there after a break cannot be the one that was there before, or cannot do what the limits of the
 * device promise; undefined: it can.
 */
export function differenceOf(before: RemoteExport, after: RemoteExport, limits: Limits): string | undefined {
  if (before.size !== after.size) return `its size was ${before.size} bytes and is ${after.size}`;
  for (const [flag, name] of ABILITIES) {
    if ((before.flags & ~after.flags & flag) !== 0) return `it has no ${name} any more`;
  }
  if (!limits.readOnly && (after.flags & TransmissionFlag.ReadOnly) !== 0) return 'it is read-only now';
  const { minimum = 1, maximum = Infinity } = after.blockSizes ?? {};
  if (minimum > limits.logicalBlock) return `its smallest block is ${minimum} bytes now`;
  if (maximum < limits.maxSectors * SECTOR_SIZE) return `its largest request is ${maximum} bytes now`;
  const range = Math.min(limits.maxRangeSectors, limits.sectors);
  if (range >= COMPACT_SECTORS && after.headers !== 'extended') return 'it has no extended headers any more';
  return undefined;
}
