import { fail, type InterposerError, isInterposerError, type Port, SECTOR_SIZE } from '@interposer/core';

/** Where a header is: positions and lengths in bytes, of any alignment. What it throws of its own has a code. */
export interface LuksStorage {
  /** Size in bytes. */
  readonly bytes: number;
  /** As many bytes as asked for, from inside the storage. A copy: key material in it is overwritten. */
  read(offset: number, length: number): Promise<Buffer>;
  write(offset: number, data: Uint8Array): Promise<void>;
  /** Resolves when every write before it is stable. */
  flush(): Promise<void>;
}

/** A device that reads and writes whole sectors, as a port and the connection to a daemon do. */
export interface SectorAccess {
  /** Size in sectors. */
  readonly sectors: number;
  /** Smallest unit of I/O in bytes. */
  readonly logicalBlock: number;
  read(sector: number, count: number): Promise<Uint8Array>;
  write(sector: number, data: Uint8Array): Promise<void>;
  flush(): Promise<void>;
}

/** No request is larger, so that no layer below has to split it. */
const LARGEST_REQUEST = 2 ** 20;

/** Bytes on a device of sectors: what does not fill a block is read first. */
export function sectorStorage(access: SectorAccess): LuksStorage {
  const bytes = access.sectors * SECTOR_SIZE;
  const blocks = (offset: number, length: number): readonly [start: number, length: number] => {
    checkInside({ bytes }, offset, length);
    const start = offset - (offset % access.logicalBlock);
    return [start, Math.ceil((offset + length) / access.logicalBlock) * access.logicalBlock - start];
  };
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const [start, whole] = blocks(offset, length);
    const parts: Uint8Array[] = [];
    for (let done = 0; done < whole; done += LARGEST_REQUEST) {
      const count = Math.min(LARGEST_REQUEST, whole - done) / SECTOR_SIZE;
      parts.push(await access.read((start + done) / SECTOR_SIZE, count));
    }
    return Buffer.concat(parts).subarray(offset - start, offset - start + length);
  };
  const write = async (offset: number, data: Uint8Array): Promise<void> => {
    const [start, whole] = blocks(offset, data.length);
    const buffer = whole === data.length ? data : await read(start, whole);
    if (buffer !== data) buffer.set(data, offset - start);
    for (let done = 0; done < whole; done += LARGEST_REQUEST) {
      await access.write((start + done) / SECTOR_SIZE, buffer.subarray(done, done + LARGEST_REQUEST));
    }
  };
  return { bytes, read, write, flush: () => access.flush() };
}

/** The device that a port has open. */
export function portStorage(port: Port): LuksStorage {
  return sectorStorage({
    sectors: port.limits.sectors,
    logicalBlock: port.limits.logicalBlock,
    read: (sector, count) => port.read(sector, count),
    write: (sector, data) => port.write(sector, data),
    flush: () => port.flush(),
  });
}

/** Bytes in memory, such as a backup of a header. The buffer itself is written to. */
export function memoryStorage(buffer: Buffer): LuksStorage {
  return {
    bytes: buffer.length,
    read: async (offset, length) => {
      checkInside({ bytes: buffer.length }, offset, length);
      return Buffer.from(buffer.subarray(offset, offset + length));
    },
    write: async (offset, data) => {
      checkInside({ bytes: buffer.length }, offset, data.length);
      buffer.set(data, offset);
    },
    flush: () => Promise.resolve(),
  };
}

/** The bytes, or the error of the device. */
export async function readIfPossible(
  storage: LuksStorage,
  offset: number,
  length: number,
): Promise<Buffer | InterposerError> {
  try {
    return await storage.read(offset, length);
  } catch (error) {
    if (isInterposerError(error)) return error;
    throw error;
  }
}

/** ENOSPC if a range is not inside the storage. */
export function checkInside({ bytes }: Pick<LuksStorage, 'bytes'>, offset: number, length: number): void {
  if (offset + length <= bytes) return;
  throw fail(
    'ENOSPC',
    `bytes ${String(offset)}+${String(length)} are behind the end of the device, which has ${String(bytes)} bytes`,
  );
}
