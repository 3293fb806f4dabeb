/** Whether every byte has one value: the first has, and each is equal to the one before, compared in one go. */
export function isFilled(bytes: Uint8Array, value: number): boolean {
  if (bytes.length === 0) return true;
  return bytes[0] === value && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}
