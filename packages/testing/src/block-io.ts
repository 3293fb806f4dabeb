import { isUint8Array } from 'node:util/types';
import { BioFlag, type Port, SECTOR_SIZE } from '@interposer/core';
import { checkKeys, checkRange, kindOf } from './check.ts';

/** How to write. */
export interface WriteOptions {
  /** Force Unit Access: done when this data itself is on stable storage. */
  readonly fua?: boolean;
}

/** A disk as a program sees it. Positions and lengths are bytes, and multiples of 512. */
export abstract class BlockIo {
  /** In bytes. */
  readonly size: number;
  readonly #port: Port;

  constructor(port: Port) {
    this.#port = port;
    this.size = port.limits.sectors * SECTOR_SIZE;
  }

  /** Rejects with the code of the disk's error: `EIO`, mostly. EINVAL for a range that is not on the disk. */
  async read(offset: number, length: number): Promise<Buffer> {
    const { sector, count } = checkRange(offset, length, this.size);
    const bytes = await this.usable(this.#port).read(sector, count);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Done when the disk has the data, perhaps in its cache only: see `flush`. The array may be used again then. */
  async write(offset: number, data: Uint8Array, options: WriteOptions = {}): Promise<void> {
    if (!isUint8Array(data)) throw new TypeError(`data must be a Uint8Array, not ${kindOf(data)}`);
    checkKeys('the options of write', options, ['fua']);
    const { sector } = checkRange(offset, data.length, this.size);
    await this.usable(this.#port).write(sector, data, options.fua === true ? BioFlag.Fua : 0);
  }

  /** Makes every write that was done before stable: what `fsync` comes to in the end. */
  async flush(): Promise<void> {
    await this.usable(this.#port).flush();
  }

  /** The range is no longer needed, and reads as zeroes. */
  async discard(offset: number, length: number): Promise<void> {
    const { sector, count } = checkRange(offset, length, this.size);
    await this.usable(this.#port).discard(sector, count);
  }

  /** Throws if the disk is closed. */
  protected abstract usable(port: Port): Port;
}
