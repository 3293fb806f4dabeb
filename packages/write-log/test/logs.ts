import { type MemoryDisk, memoryDriver } from '@interposer/conformance';
import { createEngine, type Engine, SECTOR_SIZE } from '@interposer/core';
import { makeHeader, writeCount, writeEntry } from '../src/index.ts';

/** An entry to be written; place and length in blocks. */
export interface Entry {
  readonly flags?: number;
  readonly first?: number;
  readonly blocks?: number;
  readonly mark?: string;
  readonly data?: Uint8Array;
}

/** The bytes of a log that counts all its entries. */
export function logOf(blockSize: number, entries: readonly Entry[]): Buffer {
  const header = makeHeader(blockSize);
  writeCount(header, entries.length);
  const blocks = entries.flatMap(({ flags = 0, first = 0, blocks: length = 0, mark, data }) => {
    // What was there before must not show.
    const block = Buffer.alloc(blockSize, 0xee);
    writeEntry(block, blockSize, first, length, flags, mark === undefined ? null : Buffer.from(mark));
    return data === undefined ? [block] : [block, data];
  });
  return Buffer.concat([header, ...blocks]);
}

/** An engine with the disks `memory:log`, with these bytes, and `memory:disk`. */
export function engineWith(
  log: Uint8Array,
  sectors = 64,
): { readonly engine: Engine; readonly disk: MemoryDisk } {
  const driver = memoryDriver();
  driver.add('log', { sectors: log.length / SECTOR_SIZE }).data.set(log);
  const disk = driver.add('disk', { sectors });
  return { engine: createEngine({ types: [driver] }), disk };
}

/** Sectors full of a byte. */
export function full(byte: number, sectors = 1): Buffer {
  return Buffer.alloc(sectors * SECTOR_SIZE, byte);
}
