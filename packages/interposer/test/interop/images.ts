import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

/** Bytes of what the layout of an image is made of. */
export const UNIT = 2 ** 18;

/** Bytes of the images of the matrix: small, for there are many. */
export const IMAGE_BYTES = 16 * UNIT;

/** A run of bytes that are data or a hole. */
export interface Run {
  readonly offset: number;
  readonly length: number;
  readonly data: boolean;
}

/** The layout of a fresh image. */
export const RUNS: readonly Run[] = [
  { offset: 0, length: UNIT, data: true },
  { offset: UNIT, length: 5 * UNIT, data: false },
  { offset: 6 * UNIT, length: UNIT, data: true },
  { offset: 7 * UNIT, length: 9 * UNIT, data: false },
];

/** Bytes that tell where they are from, none of them zero. */
export function pattern(length: number, seed = 0): Buffer {
  const data = Buffer.alloc(length);
  for (let at = 0; at < length; at++) data[at] = 1 + ((seed + at * 7 + (at >> 9)) % 255);
  return data;
}

/** Makes an image as `RUNS` says, also one that is being served. */
export function makeFresh(path: string, seed = 0): void {
  const file = openSync(path, 'a+');
  closeSync(file);
  const image = openSync(path, 'r+');
  ftruncateSync(image, 0);
  ftruncateSync(image, IMAGE_BYTES);
  for (const { offset, length, data } of RUNS) {
    if (data) writeSync(image, pattern(length, seed + offset), 0, length, offset);
  }
  closeSync(image);
}

/** Whether two files hold the same. */
export function sameFiles(one: string, other: string): boolean {
  return readFileSync(one).equals(readFileSync(other));
}
