/** Bytes as hexadecimal pairs with blanks between, so many in a line; further lines begin with the indent. */
export function hexLines(bytes: Uint8Array, perLine: number, indent: string): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    const pairs = Array.from(bytes.subarray(at, at + perLine), (byte) => byte.toString(16).padStart(2, '0'));
    lines.push(pairs.join(' '));
  }
  return lines.join(`\n${indent}`);
}
