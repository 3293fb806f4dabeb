import type { SectorStore } from '../src/index.ts';

/** A device in memory, which grows where it is written. */
export class MemoryStore implements SectorStore {
  bytes: Buffer;

  constructor(bytes: Uint8Array | number) {
    this.bytes = typeof bytes === 'number' ? Buffer.alloc(bytes) : Buffer.from(bytes);
  }

  read(sector: number, count: number): Promise<Buffer> {
    const end = (sector + count) * 512;
    if (end > this.bytes.length)
      return Promise.reject(new Error(`read of ${sector}+${count} beyond the end`));
    return Promise.resolve(Buffer.from(this.bytes.subarray(sector * 512, end)));
  }

  write(sector: number, data: Uint8Array): Promise<void> {
    const end = sector * 512 + data.length;
    if (end > this.bytes.length) this.bytes = Buffer.concat([this.bytes], end);
    this.bytes.set(data, sector * 512);
    return Promise.resolve();
  }
}
