import { SECTOR_SIZE } from '@interposer/core';

/** Where sectors are read: a `Port` of core is one. */
export interface SectorSource {
  /** Reads whole sectors; rejects where it cannot. */
  read(sector: number, count: number): Promise<Uint8Array>;
  /** Reads and writes must be whole blocks of so many bytes; of a sector where it is not said. */
  readonly limits?: { readonly logicalBlock: number };
}

/** Where sectors are written: a `Port` of core is one. */
export interface SectorStore extends SectorSource {
  /** Writes whole sectors; rejects where it cannot. */
  write(sector: number, data: Uint8Array): Promise<void>;
}

/** Reads blocks of a size by their numbers. */
export async function readBlocks(
  source: SectorSource,
  blockSize: number,
  first: number,
  count: number,
): Promise<Buffer> {
  const perBlock = blockSize / SECTOR_SIZE;
  return asBuffer(await source.read(first * perBlock, count * perBlock));
}

/** The same bytes, as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
