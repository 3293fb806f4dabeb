const TWO_32 = 2 ** 32;

/** The first high half that takes a number beyond 2^53. */
const HIGH_LIMIT = 2 ** 21;

/** A 64-bit number, or Infinity where it is not below 2^53: that fails every check of range. */
export function readU64(buffer: Buffer, offset: number): number {
  const high = buffer.readUInt32BE(offset);
  return high < HIGH_LIMIT ? high * TWO_32 + buffer.readUInt32BE(offset + 4) : Infinity;
}

/** Writes a number from 0 to 2^53 - 1 as 64 bits. */
export function writeU64(buffer: Buffer, offset: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${value} is not within 0 and 2^53 - 1`);
  buffer.writeUInt32BE(Math.floor(value / TWO_32), offset);
  buffer.writeUInt32BE(value % TWO_32, offset + 4);
}

/** Whether eight bytes are this magic number. */
export function hasMagic(
  buffer: Buffer,
  offset: number,
  magic: readonly [high: number, low: number],
): boolean {
  return buffer.readUInt32BE(offset) === magic[0] && buffer.readUInt32BE(offset + 4) === magic[1];
}

/** Writes a 64-bit magic number. */
export function writeMagic(
  buffer: Buffer,
  offset: number,
  magic: readonly [high: number, low: number],
): void {
  buffer.writeUInt32BE(magic[0], offset);
  buffer.writeUInt32BE(magic[1], offset + 4);
}
