import {
  type Bio,
  BioFlag,
  BioOp,
  type DriverType,
  type MapResult,
  SECTOR_SIZE,
  type Status,
} from '@interposer/core';
import { ChaosDisk, type ChaosOptions, DiskDriver } from '@interposer/conformance';
import type { Told } from './job.ts';

/** The content of disks, by name. */
export type Images = ReadonlyMap<string, Uint8Array>;

/** A write to one of the disks. */
export interface TapeWrite {
  readonly disk: string;
  readonly sector: number;
  readonly data: Uint8Array;
  readonly fua: boolean;
}

/** What happened: a write was sent, or had ended; a flush ended that was sent when so much had happened; or what was told. */
export type TapeEvent =
  | { readonly kind: 'sent' | 'done'; readonly write: TapeWrite }
  | { readonly kind: 'flushed'; readonly disk: string; readonly since: number }
  | { readonly kind: 'told'; readonly told: Told };

/**
 * Disks with volatile caches, and all that happened to them, in one order: from it the disks can be made as a power cut at any
 * moment leaves them. The search of `@interposer/crash-test` knows one disk; several disks have a flush each.
 */
export class CrashTape {
  readonly events: TapeEvent[] = [];
  readonly images: Images;
  readonly #disks = new Map<string, ChaosDisk>();
  readonly #driver = new DiskDriver<TapeDisk, TapeOptions>('tape', (options) => new TapeDisk(options));

  /** The disks are `tape:NAME`. Each request takes up to so many milliseconds, so that they overtake one another. */
  constructor(images: Images, delay: number, seed: number) {
    this.images = images;
    for (const [name, image] of images) {
      const { events } = this;
      const sectors = image.length / SECTOR_SIZE;
      const disk = this.#driver.add(name, { name, events, sectors, delay, seed: seed + name.charCodeAt(0) });
      disk.data.set(image);
      this.#disks.set(name, disk);
    }
  }

  get driver(): DriverType {
    return this.#driver;
  }

  /** What the disks hold now. */
  get disks(): Images {
    return new Map([...this.#disks].map(([name, { data }]) => [name, data]));
  }

  tell(told: Told): void {
    this.events.push({ kind: 'told', told });
  }

  /** What was told before so many events. */
  toldBefore(length: number): Told[] {
    return this.events.slice(0, length).flatMap((event) => (event.kind === 'told' ? [event.told] : []));
  }
}

interface TapeOptions extends ChaosOptions {
  readonly name: string;
  readonly events: TapeEvent[];
}

/** A disk that tells of its requests. */
class TapeDisk extends ChaosDisk {
  readonly #name: string;
  readonly #events: TapeEvent[];
  readonly #sent = new Map<Bio, TapeWrite>();
  /** How much had happened when a flush was sent. */
  readonly #flushes = new Map<Bio, number>();

  constructor({ name, events, ...options }: TapeOptions) {
    super({ ...options, limits: { volatileCache: true } });
    this.#name = name;
    this.#events = events;
  }

  override submit(bio: Bio): MapResult {
    if (bio.op === BioOp.Flush) this.#flushes.set(bio, this.#events.length);
    if (bio.op === BioOp.Write) {
      const [start, end] = [bio.bufferOffset, bio.bufferOffset + bio.count * SECTOR_SIZE];
      const write = {
        disk: this.#name,
        sector: bio.sector,
        // A slice of a Buffer would be no copy.
        data: Uint8Array.from(bio.buffer.subarray(start, end)),
        fua: (bio.flags & BioFlag.Fua) !== 0,
      };
      this.#sent.set(bio, write);
      this.#events.push({ kind: 'sent', write });
    }
    return super.submit(bio);
  }

  override serve(bio: Bio): Status {
    const disk = this.#name;
    if (bio.op === BioOp.Flush) this.#events.push({ kind: 'flushed', disk, since: this.#flushes.get(bio)! });
    if (bio.op === BioOp.Write) this.#events.push({ kind: 'done', write: this.#sent.get(bio)! });
    return super.serve(bio);
  }
}
