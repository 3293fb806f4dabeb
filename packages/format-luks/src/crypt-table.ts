import { fail, quoteWord, SECTOR_SIZE } from '@interposer/core';
import type { LuksVolume } from './volume.ts';

/** Where the data is, for a crypt table. */
export interface CryptTableOptions {
  /** The data device as a table names it. */
  readonly device: string;
  /** Its size in sectors. */
  readonly sectors: number;
  /** Whether the header is on another device than the data. */
  readonly detached?: boolean;
  /** Further options, such as `allow_discards`. */
  readonly options?: readonly string[];
}

/**
 * The table of the mapped device with the data, as cryptsetup loads it. It holds the key: it goes to the engine, and nowhere
 * else. ENOTSUP as `LuksVolume.data`; EINVAL if the device is too small or the key is not of its length.
 */
export function cryptTable(volume: LuksVolume, volumeKey: Uint8Array, options: CryptTableOptions): string {
  const { device, sectors, detached = false, options: further = [] } = options;
  const data = volume.data();
  if (data.offset < volume.headerBytes && !detached) {
    throw fail('EINVAL', 'the header is a detached one, whose data is on another device');
  }
  if (data.keyBytes !== 0 && data.keyBytes !== volumeKey.length) {
    throw fail('EINVAL', `a key of ${String(volumeKey.length)} bytes instead of ${String(data.keyBytes)}`);
  }
  const start = data.offset / SECTOR_SIZE;
  const length = lengthOf(data, sectors - start);
  const words = [...new Set([...data.options, ...further])];
  if (data.sectorSize !== SECTOR_SIZE) words.push(`sector_size:${String(data.sectorSize)}`);
  const key = Buffer.from(volumeKey.buffer, volumeKey.byteOffset, volumeKey.length).toString('hex');
  const table = [
    '0',
    String(length),
    'crypt',
    data.cipher,
    key,
    String(data.ivOffset),
    quoteWord(device),
    String(start),
  ];
  return [...table, ...(words.length === 0 ? [] : [String(words.length), ...words])].join(' ');
}

/** Whole sectors of the cipher. */
function lengthOf({ bytes, sectorSize, offset }: ReturnType<LuksVolume['data']>, room: number): number {
  const perSector = sectorSize / SECTOR_SIZE;
  const length = bytes === undefined ? Math.floor(room / perSector) * perSector : bytes / SECTOR_SIZE;
  if (length > 0 && length <= room) return length;
  const needed = offset + (bytes ?? sectorSize);
  throw fail('EINVAL', `the device is too small for the data: that needs ${String(needed)} bytes at least`);
}

/** The UUID of the mapped device, as cryptsetup makes it. */
export function mappedUuid({ version, uuid }: LuksVolume, name: string): string {
  return `CRYPT-LUKS${String(version)}-${uuid.replaceAll('-', '')}-${name}`;
}

/** Whether a mapped device of that UUID was made from a LUKS volume. */
export function isLuksUuid(uuid: string): boolean {
  return /^CRYPT-LUKS[12]-/.test(uuid);
}
