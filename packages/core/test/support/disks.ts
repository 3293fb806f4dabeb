import {
  type Bio,
  BioFlag,
  BioOp,
  defineDriver,
  type Driver,
  type DriverType,
  type Extent,
  fail,
  type Limits,
  makeLimits,
  MapResult,
  SECTOR_SIZE,
  Status,
} from '../../src/index.ts';

/** A disk in memory that remembers what it was asked, and can hold or fail its bios. */
export class TestDisk implements Driver {
  readonly limits: Limits;
  readonly data: Buffer;
  /** Every bio that came in, e.g. `write 8+8 fua`. */
  readonly seen: string[] = [];
  /** Bios wait for `release`. */
  hold = false;
  held: Bio[] = [];
  /** What bios end with. */
  status: Status = Status.Ok;
  /** Instead of serving. */
  onSubmit: ((bio: Bio) => MapResult) | null = null;
  extents?: (sector: number, count: number) => Promise<Extent[]>;
  isOpen = false;
  opens = 0;
  openedReadOnly = false;
  /** What `close` waits for. */
  closing: Promise<void> = Promise.resolve();
  /** Bios that came when the disk was not open. */
  late = 0;
  readonly calls: string[] = [];
  /** Tells the engine that the disk is gone. */
  lose: (reason: string) => void = () => undefined;
  /** Gone before it is open, for that reason. */
  lostAtOpen: string | null = null;

  constructor(sectors: number, limits: Partial<Limits> = {}) {
    this.limits = makeLimits(sectors, limits);
    this.data = Buffer.alloc(Math.min(sectors, 1 << 16) * SECTOR_SIZE);
  }

  submit(bio: Bio): MapResult {
    if (!this.isOpen) this.late++;
    const fua = (bio.flags & BioFlag.Fua) === 0 ? '' : ' fua';
    this.seen.push(`${bio.toString()}${fua}`);
    if (this.onSubmit !== null) return this.onSubmit(bio);
    if (this.hold) this.held.push(bio);
    else this.serve(bio);
    return MapResult.Submitted;
  }

  /** Ends a bio. */
  serve(bio: Bio): void {
    if (this.status === Status.Ok) this.#transfer(bio);
    bio.complete(this.status);
  }

  /** Ends the bios that are held, in the order they came, and holds no more. */
  release(): void {
    this.hold = false;
    const bios = this.held;
    this.held = [];
    for (const bio of bios) this.serve(bio);
  }

  presuspend(): void {
    this.calls.push('presuspend');
  }

  resume(): void {
    this.calls.push('resume');
  }

  async close(): Promise<void> {
    this.isOpen = false;
    await this.closing;
  }

  #transfer({ op, sector, count, buffer, bufferOffset }: Bio): void {
    const start = sector * SECTOR_SIZE;
    const bytes = count * SECTOR_SIZE;
    if (op === BioOp.Read) this.data.copy(buffer, bufferOffset, start, start + bytes);
    else if (op === BioOp.Write) this.data.set(buffer.subarray(bufferOffset, bufferOffset + bytes), start);
    else if (op !== BioOp.Flush) this.data.fill(0, start, start + bytes);
  }
}

/** The driver of `disk:NAME`, over disks that a test put there. */
export class TestDisks {
  readonly type: DriverType;
  readonly #disks = new Map<string, TestDisk>();

  constructor() {
    this.type = defineDriver({
      name: 'disk',
      version: [1, 0, 0],
      schemes: ['disk'],
      major: 7,
      identify: async (spec) => (spec.startsWith('anonymous') ? undefined : spec),
      open: async ({ spec, readOnly, lost }) => {
        const disk = this.#disks.get(spec);
        if (disk === undefined) throw fail('ENOENT', `no disk ${spec}`);
        if (disk.isOpen && !spec.startsWith('anonymous')) throw new Error(`${spec} is open already`);
        disk.isOpen = true;
        disk.opens++;
        disk.openedReadOnly = readOnly;
        disk.lose = lost;
        if (disk.lostAtOpen !== null) lost(disk.lostAtOpen);
        return disk;
      },
    });
  }

  add(name: string, sectors = 1024, limits: Partial<Limits> = {}): TestDisk {
    const disk = new TestDisk(sectors, limits);
    this.#disks.set(name, disk);
    return disk;
  }
}

/** Sectors that say their own number and a letter. */
export function stamped(letter: string, sector: number, count: number): Buffer {
  const data = Buffer.alloc(count * SECTOR_SIZE);
  for (let i = 0; i < count; i++) data.write(`${letter}${String(sector + i)};`, i * SECTOR_SIZE);
  return data;
}

/** The stamp of a sector in a buffer. */
export function stampAt(buffer: Uint8Array, index = 0): string {
  const text = Buffer.from(buffer.buffer, buffer.byteOffset + index * SECTOR_SIZE, 16).toString('latin1');
  return text.split(';')[0] ?? '';
}
