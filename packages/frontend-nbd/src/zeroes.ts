import type { ReadPart } from './chunk-answers.ts';

/** Smaller reads are sent as they are: a hole saves next to nothing. */
export const SMALLEST_HOLE = 512;

/** Larger reads are looked through in pieces of this size, so that holes inside them need not be sent either. */
export const LARGEST_WHOLE: number = 64 * 1024;

const ZEROES: Buffer = Buffer.alloc(LARGEST_WHOLE);

/** Whether a range of at most 64 KiB is nothing but zeroes. Data are told from zeroes at their ends as a rule. */
export function isZero(buffer: Buffer, start: number, bytes: number): boolean {
  if (buffer[start] !== 0 || buffer[start + bytes - 1] !== 0) return false;
  return buffer.compare(ZEROES, 0, bytes, start, start + bytes) === 0;
}

/** Data and holes of a range, each as long as it can be; null: there is no hole. */
export function partsOf(buffer: Buffer, start: number, bytes: number): ReadPart[] | null {
  // Most ranges have none, and then nothing is allocated.
  if (!hasHole(buffer, start, bytes)) return null;
  const parts: ReadPart[] = [];
  for (let at = 0; at < bytes; at += LARGEST_WHOLE) {
    const length = Math.min(LARGEST_WHOLE, bytes - at);
    const hole = isZero(buffer, start + at, length);
    const last = parts.at(-1);
    if (last?.hole === hole) parts[parts.length - 1] = { ...last, bytes: last.bytes + length };
    else parts.push({ start: at, bytes: length, hole });
  }
  return parts;
}

function hasHole(buffer: Buffer, start: number, bytes: number): boolean {
  for (let at = 0; at < bytes; at += LARGEST_WHOLE) {
    if (isZero(buffer, start + at, Math.min(LARGEST_WHOLE, bytes - at))) return true;
  }
  return false;
}
