import {
  type Bio,
  BioFlag,
  BioOp,
  type DriverType,
  type MapResult,
  type Random,
  SECTOR_SIZE,
  type Status,
} from '@interposer/core';
import { ChaosDisk, type ChaosOptions, DiskDriver } from '@interposer/conformance';

/** Something that happened to a disk, or a note of the test's own. */
export type Entry<Note> =
  | {
      readonly kind: 'write';
      readonly disk: string;
      readonly sector: number;
      readonly data: Uint8Array;
      readonly fua: boolean;
    }
  /** Everything of the disk that stands before `covers` on the tape is stable. */
  | { readonly kind: 'flush'; readonly disk: string; readonly covers: number }
  | { readonly kind: 'note'; readonly note: Note };

/** What happened to some disks, in order: from it the disks can be made as a crash at any moment leaves them. */
export class Tape<Note> {
  readonly entries: Entry<Note>[] = [];
  readonly #images = new Map<string, Uint8Array>();
  readonly #disks = new Map<string, ChaosDisk>();
  readonly #driver = new DiskDriver<TapeDisk, ChaosOptions & { readonly name: string }>(
    'tape',
    (options) => new TapeDisk(options, this),
  );

  get driver(): DriverType {
    return this.#driver;
  }

  /** A disk with a content; `tape:NAME`. */
  add(name: string, image: Uint8Array, options: Partial<ChaosOptions> = {}): void {
    const disk = this.#driver.add(name, { sectors: image.length / SECTOR_SIZE, name, ...options });
    disk.data.set(image);
    this.#disks.set(name, disk);
    this.#images.set(name, image.slice());
  }

  disk(name: string): ChaosDisk {
    return this.#disks.get(name)!;
  }

  note(note: Note): void {
    this.entries.push({ kind: 'note', note });
  }

  /**
   * The disks after so many entries. What was not flushed stays or is lost, sector by sector, as chance has it; with a
   * survival of 1 all stays.
   */
  crash(length: number, random: Random, survival: number): Map<string, Uint8Array> {
    const disks = new Map([...this.#images].map(([name, image]) => [name, image.slice()]));
    const stable = new Map<string, number>();
    const past = this.entries.slice(0, length);
    for (const entry of past)
      if (entry.kind === 'flush') stable.set(entry.disk, Math.max(entry.covers, stable.get(entry.disk) ?? 0));
    for (const [index, entry] of past.entries()) {
      if (entry.kind !== 'write') continue;
      const isStable = entry.fua || index < (stable.get(entry.disk) ?? 0);
      const disk = disks.get(entry.disk)!;
      for (let at = 0; at < entry.data.length; at += SECTOR_SIZE) {
        if (!isStable && !random.chance(survival)) continue;
        disk.set(entry.data.subarray(at, at + SECTOR_SIZE), entry.sector * SECTOR_SIZE + at);
      }
    }
    return disks;
  }
}

/** A disk that writes down what it does. */
class TapeDisk extends ChaosDisk {
  readonly #tape: Tape<unknown>;
  readonly #name: string;
  /** Where the tape was when a flush came. */
  readonly #flushes = new Map<Bio, number>();

  constructor(options: ChaosOptions & { readonly name: string }, tape: Tape<unknown>) {
    super({ limits: { volatileCache: true }, ...options });
    this.#tape = tape;
    this.#name = options.name;
  }

  override submit(bio: Bio): MapResult {
    if (bio.op === BioOp.Flush) this.#flushes.set(bio, this.#tape.entries.length);
    return super.submit(bio);
  }

  override serve(bio: Bio): Status {
    const status = super.serve(bio);
    const { entries } = this.#tape;
    const disk = this.#name;
    if (bio.op === BioOp.Flush) entries.push({ kind: 'flush', disk, covers: this.#flushes.get(bio)! });
    else if (bio.op === BioOp.Write) {
      const [start, end] = [bio.sector * SECTOR_SIZE, (bio.sector + bio.count) * SECTOR_SIZE];
      const fua = (bio.flags & BioFlag.Fua) !== 0;
      entries.push({ kind: 'write', disk, sector: bio.sector, data: this.data.slice(start, end), fua });
    }
    return status;
  }
}
