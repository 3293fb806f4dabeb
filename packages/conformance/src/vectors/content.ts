import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SECTOR_SIZE } from '@interposer/core';

/** So many sectors of content there are to write: a step names the first of those that it writes. */
export const WRITABLE = 1024;

/** What sectors of a disk hold at the beginning, and with the letter `W` what steps write: a stamp of 16 bytes, again and again. */
export function stampedSectors(letter: string, first: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * SECTOR_SIZE);
  for (let index = 0; index < count; index++) {
    const stamp = `${letter} ${String(first + index).padStart(8, '0')} ----\n`;
    bytes.fill(stamp, index * SECTOR_SIZE, (index + 1) * SECTOR_SIZE, 'latin1');
  }
  return bytes;
}

/** Enough of a SHA-256 to tell contents apart. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** Bytes as the word of a step: compressed, then base64. */
export function packBytes(bytes: Uint8Array): string {
  return deflateRawSync(bytes, { level: 9 }).toString('base64');
}

/** The bytes of such a word. */
export function unpackBytes(word: string): Buffer {
  return inflateRawSync(Buffer.from(word, 'base64'));
}
