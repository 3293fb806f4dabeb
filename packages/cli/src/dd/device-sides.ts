import { SECTOR_SIZE } from '@interposer/core';
import type { HeldDevice, Service } from '../service.ts';
import type { Destination, Source } from './sides.ts';

/** Reads far ahead are cut into windows of so many bytes, so that small blocks do not cost a message each. */
const WINDOW = 2 ** 18;

/** The input side on a device of a daemon. */
export class DeviceSource implements Source {
  readonly name: string;
  readonly #service: Service;
  readonly #held: HeldDevice;
  readonly #end: number;
  /** Nothing behind this position is asked for: a read of more might fail or count where the user's would not. */
  readonly #limit: number;
  #position: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  constructor(name: string, service: Service, held: HeldDevice, position: number, limit: number) {
    this.name = name;
    this.#service = service;
    this.#held = held;
    this.#end = held.sectors * SECTOR_SIZE;
    this.#limit = Math.min(limit, this.#end);
    this.#position = position;
  }

  get end(): number {
    return this.#end;
  }

  async read(length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, this.#end - this.#position);
    if (wanted <= 0) return new Uint8Array(0);
    const data = this.#fromWindow(wanted) ?? (await this.#fetch(wanted));
    this.#position += data.length;
    return data;
  }

  close(): Promise<void> {
    return this.#service.release(this.#held.device);
  }

  #fromWindow(length: number): Uint8Array | undefined {
    const from = this.#position - this.#windowStart;
    if (from < 0 || from + length > this.#window.length) return undefined;
    return this.#window.subarray(from, from + length);
  }

  async #fetch(wanted: number): Promise<Uint8Array> {
    const ahead = Math.min(WINDOW, this.#limit - this.#position);
    if (ahead > wanted) {
      try {
        await this.#fill(ahead);
        return this.#fromWindow(wanted)!;
      } catch {
        // An error further on is none of this read.
      }
    }
    try {
      await this.#fill(wanted);
      return this.#fromWindow(wanted)!;
    } catch (error) {
      return this.#untilError(wanted, error);
    }
  }

  /** The part before the error, by halves; the error itself if there is none. */
  async #untilError(wanted: number, error: unknown): Promise<Uint8Array> {
    const block = this.#held.logicalBlock;
    const first = Math.floor(this.#position / block) * block;
    let good = 0;
    let bad = Math.ceil((this.#position + wanted - first) / block);
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      const isGood = await this.#service
        .read(this.#held.device, first / SECTOR_SIZE, (middle * block) / SECTOR_SIZE)
        .then(
          () => true,
          () => false,
        );
      if (isGood) good = middle;
      else bad = middle;
    }
    const length = first + good * block - this.#position;
    if (length <= 0) throw error;
    await this.#fill(length);
    return this.#fromWindow(length)!;
  }

  /** Reads whole blocks around the bytes from the position on. */
  async #fill(length: number): Promise<void> {
    const block = this.#held.logicalBlock;
    const from = Math.floor(this.#position / block) * block;
    const to = Math.ceil((this.#position + length) / block) * block;
    this.#window = await this.#service.read(this.#held.device, from / SECTOR_SIZE, (to - from) / SECTOR_SIZE);
    this.#windowStart = from;
  }
}

/** The output side on a device of a daemon. */
export class DeviceDestination implements Destination {
  readonly name: string;
  readonly #service: Service;
  readonly #held: HeldDevice;
  readonly #end: number;
  #position: number;

  constructor(name: string, service: Service, held: HeldDevice, position: number) {
    this.name = name;
    this.#service = service;
    this.#held = held;
    this.#end = held.sectors * SECTOR_SIZE;
    this.#position = position;
  }

  async write(data: Uint8Array): Promise<number> {
    const length = Math.max(0, Math.min(data.length, this.#end - this.#position));
    if (length === 0) return 0;
    const block = this.#held.logicalBlock;
    const from = Math.floor(this.#position / block) * block;
    const to = Math.ceil((this.#position + length) / block) * block;
    const { device } = this.#held;
    if (from === this.#position && to === this.#position + length) {
      await this.#service.write(device, from / SECTOR_SIZE, data.subarray(0, length));
    } else {
      // Blocks that are written in part keep the rest.
      const blocks = await this.#service.read(device, from / SECTOR_SIZE, (to - from) / SECTOR_SIZE);
      blocks.set(data.subarray(0, length), this.#position - from);
      await this.#service.write(device, from / SECTOR_SIZE, blocks);
    }
    this.#position += length;
    return length;
  }

  sync(): Promise<void> {
    return this.#service.flush(this.#held.device);
  }

  close(): Promise<void> {
    return this.#service.release(this.#held.device);
  }
}
