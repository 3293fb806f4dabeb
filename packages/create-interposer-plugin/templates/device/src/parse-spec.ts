import { fail, SECTOR_SIZE } from '@interposer/core';

/** What `SIZE[,BYTE]` says. */
interface Spec {
  readonly sectors: number;
  readonly pattern: number;
}

const SPEC = /^(\d+)([KMG]?)(?:,(\d{1,3}))?$/;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** The memory of a device is one piece, so its size is bounded. */
const MAX_BYTES = 2 ** 30;

/** Reads `SIZE[,BYTE]`. EINVAL for anything else, and for a size that is no whole number of sectors. */
export function parseSpec(text: string): Spec {
  const [, digits, unit = '', pattern = '0'] = SPEC.exec(text) ?? [];
  const bytes = Number(digits) * UNITS[unit]!;
  if (digits === undefined || Number(pattern) > 255) {
    throw fail(
      'EINVAL',
      `"${text}" is not SIZE[,BYTE]: a number and one of K, M, G, then a number up to 255`,
    );
  }
  if (bytes === 0 || bytes > MAX_BYTES || bytes % SECTOR_SIZE !== 0) {
    throw fail('EINVAL', `"${text}": the size must be a whole number of sectors of 512 bytes, at most 1G`);
  }
  return { sectors: bytes / SECTOR_SIZE, pattern: Number(pattern) };
}
