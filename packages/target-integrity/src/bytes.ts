/** Copies of few bytes are made by a loop: a view for each would cost more. */
const FEW = 256;

/** Copies bytes from one buffer to another one. */
export function copyBytes(
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  count: number,
): void {
  if (count > FEW) {
    to.set(from.subarray(fromOffset, fromOffset + count), toOffset);
    return;
  }
  for (let at = 0; at < count; at++) to[toOffset + at] = from[fromOffset + at]!;
}
