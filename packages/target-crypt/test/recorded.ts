import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SECTOR_SIZE } from '@interposer/core';

/** Sectors of the clear data. */
export const DATA_SECTORS = 64;

/** What the kernel made of the clear data. */
export interface RecordedCase {
  readonly cipher: string;
  /** In hexadecimal, or `-`. */
  readonly key: string;
  readonly ivOffset: number;
  readonly options: readonly string[];
  readonly first: string;
  readonly last: string;
  readonly sha256: string;
}

export function recordedCases(): RecordedCase[] {
  const path = new URL('../../conformance/vectors/crypt-data.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { cases: RecordedCase[] }).cases;
}

/** The clear data of all recorded cases. */
export function clearData(): Buffer {
  const data = Buffer.alloc(DATA_SECTORS * SECTOR_SIZE);
  for (let at = 0; at < data.length; at += 32) {
    const piece = `${String(Math.floor(at / SECTOR_SIZE))}:${String((at % SECTOR_SIZE) / 32)}`;
    createHash('sha256').update(piece).digest().copy(data, at);
  }
  return data;
}

/** The table line of a case over a device, from a sector of it on. */
export function tableOf(
  { cipher, key, ivOffset, options }: RecordedCase,
  device: string,
  offset: number,
): string {
  const words = options.length === 0 ? '' : ` ${String(options.length)} ${options.join(' ')}`;
  return `0 ${String(DATA_SECTORS)} crypt ${cipher} ${key} ${String(ivOffset)} ${device} ${String(offset)}${words}`;
}

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
