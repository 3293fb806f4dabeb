import { fail, SECTOR_SIZE } from '@interposer/core';

/** A whole number within bounds. TypeError for anything but a number, EINVAL beyond the bounds. */
export function checkInteger(
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const number = checkNumber(name, value, least, most);
  if (!Number.isInteger(number)) throw fail('EINVAL', `${name} is ${String(number)}: want a whole number`);
  return number;
}

/** A number within bounds, both included. TypeError for anything but a number, EINVAL beyond the bounds. */
export function checkNumber(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${kindOf(value)}`);
  if (value >= least && value <= most) return value;
  const bounds =
    most === Number.MAX_SAFE_INTEGER ? `at least ${String(least)}` : `${String(least)} to ${String(most)}`;
  throw fail('EINVAL', `${name} is ${String(value)}: want ${bounds}`);
}

/** A place and length in bytes, as whole sectors. TypeError for no numbers, EINVAL for parts of sectors and beyond the end. */
export function checkRange(
  offset: unknown,
  length: unknown,
  size: number,
): { readonly sector: number; readonly count: number } {
  const first = checkInteger('offset', offset, 0);
  const bytes = checkInteger('length', length, SECTOR_SIZE);
  if (first % SECTOR_SIZE !== 0 || bytes % SECTOR_SIZE !== 0) {
    throw fail(
      'EINVAL',
      `${String(bytes)} bytes at ${String(first)}: a disk is read and written in whole sectors of ${SECTOR_SIZE} bytes`,
    );
  }
  if (first + bytes > size) {
    throw fail(
      'EINVAL',
      `${String(bytes)} bytes at ${String(first)} end beyond the disk, which has ${String(size)}`,
    );
  }
  return { sector: first / SECTOR_SIZE, count: bytes / SECTOR_SIZE };
}

/** An object with no other properties than those named: a misspelt one must not go unnoticed. TypeError for anything else. */
export function checkKeys(what: string, value: unknown, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${what} must be an object, not ${kindOf(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`${what} has no "${unknown}"; it may have ${keys.join(', ')}`);
  }
}

/** For messages: what a value is. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value;
}
