/*
 * The numbers of requests and replies. Many of them pass for each request, and in optimized code the methods of `Buffer` cost
 * several times as much: they lie on a prototype with so many properties that each call looks its method up.
 */

const TWO_32 = 2 ** 32;

/** The first high half that takes a number beyond 2^53. */
const HIGH_LIMIT = 2 ** 21;

export function readU16(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 8) | buffer[at + 1]!;
}

export function readU32(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
}

/** Infinity where it is not below 2^53: that fails every check of range. */
export function readU64(buffer: Uint8Array, at: number): number {
  const high = readU32(buffer, at);
  return high < HIGH_LIMIT ? high * TWO_32 + readU32(buffer, at + 4) : Infinity;
}

export function writeU16(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
}

export function writeU32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

/** A number below 2^53. */
export function writeU64(buffer: Uint8Array, at: number, value: number): void {
  writeU32(buffer, at, Math.floor(value / TWO_32));
  writeU32(buffer, at + 4, value % TWO_32);
}
