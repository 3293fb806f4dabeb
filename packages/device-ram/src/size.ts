import { fail, SECTOR_SIZE } from '@interposer/core';

const UNITS: Readonly<Partial<Record<string, number>>> = {
  '': 1,
  s: SECTOR_SIZE,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

const SIZE = /^(\d+)([sKMGT]?)$/;

/**
 * Sectors in a size such as `64M`, `1G`, `131072s` (sectors) or `1048576` (bytes). K, M, G and T are powers of 1024. EINVAL
 * for anything else, for nothing at all, and for what is no whole number of sectors.
 */
export function parseSize(text: string): number {
  const [, digits, suffix] = SIZE.exec(text) ?? [];
  const unit = suffix === undefined ? undefined : UNITS[suffix];
  if (digits === undefined || unit === undefined) {
    throw fail(
      'EINVAL',
      `"${text}" is no size of a ram device: want a number and one of K, M, G, T or s (sectors)`,
    );
  }
  const bytes = Number(digits) * unit;
  if (bytes === 0)
    throw fail('EINVAL', `"${text}": a ram device has at least one sector of ${SECTOR_SIZE} bytes`);
  if (bytes > Number.MAX_SAFE_INTEGER) throw fail('EINVAL', `"${text}": a ram device has less than 8192T`);
  if (bytes % SECTOR_SIZE !== 0) {
    throw fail('EINVAL', `"${text}" is no whole number of sectors of ${SECTOR_SIZE} bytes`);
  }
  return bytes / SECTOR_SIZE;
}
