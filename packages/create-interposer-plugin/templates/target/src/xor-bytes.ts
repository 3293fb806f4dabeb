/** Combines each byte with the key, by exclusive or: done twice it gives the bytes back. Both places may be the same. */
export function xorBytes(
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  bytes: number,
  key: number,
): void {
  for (let i = 0; i < bytes; i++) to[toOffset + i] = from[fromOffset + i]! ^ key;
}
