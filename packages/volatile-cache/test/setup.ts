import {
  type ChaosDisk,
  chaosDriver,
  type ChaosOptions,
  spanTarget,
  VirtualClock,
} from '@interposer/conformance';
import {
  ALL_OPS,
  type Bio,
  BioFlag,
  BioOp,
  bioPool,
  createEngine,
  deferToUnplug,
  defineFilter,
  type Engine,
  type FilterType,
  opSet,
  type Port,
  PreResult,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { VolatileCache } from '../src/index.ts';

export const DISK = 'chaos:d';

/** How a disk with a cache is made. */
export interface SetupOptions extends Partial<ChaosOptions> {
  readonly capacity?: number;
}

/** A chaos disk that has a volatile cache itself, under a filter that is nothing but the cache under test. */
export class Setup {
  readonly clock: VirtualClock = new VirtualClock();
  readonly disk: ChaosDisk;
  readonly engine: Engine;
  readonly logs: string[] = [];
  readonly faults: string[] = [];
  /** Which writes are to be cached. */
  isCached: (bio: Bio) => boolean = () => true;
  /** Where bios go that the filter is to take and hold; null: it holds none. */
  held: Bio[] | null = null;
  cache!: VolatileCache;
  port!: Port;
  /** What another filter, below the cache, does before it goes. */
  beforeLowGoes: () => Promise<void> = () => Promise.resolve();
  readonly #outstanding = bioPool.outstanding;

  private constructor({ capacity, sectors = 64, ...options }: SetupOptions) {
    const chaos = chaosDriver();
    this.disk = chaos.add('d', { sectors, volatile: true, ...options });
    this.engine = createEngine({
      types: [chaos, spanTarget, this.#lowType, this.#filterType(capacity)],
      clock: this.clock,
      drainTimeout: 1000,
    });
    this.engine.onEvent((event) => {
      if (event.kind === 'log') this.logs.push(event.message);
      // Force is a breach of contract, too, for core.
      const isForced = event.kind === 'fault' && event.message === 'detached by force';
      if (event.kind === 'fault' && !isForced) this.faults.push(event.message);
    });
  }

  static async start(options: SetupOptions = {}): Promise<Setup> {
    const setup = new Setup(options);
    setup.port = await setup.engine.open(DISK, { claim: 'shared' });
    await setup.engine.attachFilter(DISK, 'cache');
    return setup;
  }

  /** Takes everything down, which takes the cache out in an orderly way; nothing may be left. */
  async stop(): Promise<void> {
    this.disk.heal();
    this.disk.release();
    this.port.close();
    // A disk that vanished still has what was on its way.
    this.clock.advance(100);
    if (this.engine.devices().length > 0) await this.settle(this.engine.close());
    if (this.faults.length > 0) throw new Error(this.faults.join('; '));
    if (bioPool.outstanding !== this.#outstanding) throw new Error('bios were not given back');
  }

  /** Sends a bio; `ended` runs with it when it ends. */
  send(
    op: BioOp,
    sector: number,
    count: number,
    buffer: Uint8Array | null,
    flags: number,
    ended: (status: Status) => void,
  ): void {
    const bio = bioPool.get();
    bio.op = op;
    bio.sector = sector;
    bio.count = count;
    bio.flags = flags;
    if (buffer !== null) bio.buffer = buffer;
    bio.end = (done) => {
      const { status } = done;
      bioPool.put(done);
      ended(status);
    };
    this.port.submit(bio);
  }

  /** The status of a bio. Time passes until it ends. */
  async io(op: BioOp, sector = 0, count = 0, value = 0, flags = 0): Promise<Status> {
    const buffer = op === BioOp.Write ? filled(sector, count, value) : null;
    return this.settle(
      new Promise<Status>((resolve) => {
        this.send(op, sector, count, buffer, flags, resolve);
      }),
    );
  }

  write(sector: number, count: number, value: number): Promise<Status> {
    return this.io(BioOp.Write, sector, count, value);
  }

  fua(sector: number, count: number, value: number): Promise<Status> {
    return this.io(BioOp.Write, sector, count, value, BioFlag.Fua);
  }

  flush(): Promise<Status> {
    return this.io(BioOp.Flush);
  }

  /** The value of each sector of a range, as it is read; NaN for one that is no value at all. */
  async read(sector: number, count: number): Promise<number[]> {
    const buffer = new Uint8Array(count * SECTOR_SIZE).fill(0xa5);
    const status = await this.settle(
      new Promise<Status>((resolve) => {
        this.send(BioOp.Read, sector, count, buffer, 0, resolve);
      }),
    );
    if (status !== Status.Ok) throw new Error(`the read ended with ${String(status)}`);
    return valuesOf(buffer, sector);
  }

  /** What is on the disk below, now. */
  below(sector: number, count: number): number[] {
    const start = sector * SECTOR_SIZE;
    return valuesOf(this.disk.data.subarray(start, start + count * SECTOR_SIZE), sector);
  }

  /** What is left when the power of the disk below fails too: what is stable. */
  stable(sector: number, count: number): number[] {
    this.disk.cutPower();
    return this.below(sector, count);
  }

  /** Lets time pass until a promise is settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const pending = Symbol();
    const turns = async (): Promise<typeof pending> => {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      return pending;
    };
    for (let round = 0; round < 5000; round++) {
      if ((await Promise.race([promise, turns()])) !== pending) return promise;
      this.clock.advance(1);
    }
    throw new Error('it takes for ever');
  }

  /** A filter that passes everything on, writes of a burst at its end, as drivers of disks may. */
  get #lowType(): FilterType {
    return defineFilter({
      name: 'low',
      version: [1, 0, 0],
      altitude: '1000',
      ops: opSet(BioOp.Write),
      passes: ALL_OPS & ~opSet(BioOp.Write),
      params: [],
      attach: ({ port }) => ({
        pre: (bio) => {
          const isDeferred = deferToUnplug({
            unplug: () => {
              port.forward(bio);
            },
          });
          return isDeferred ? PreResult.Taken : PreResult.Pass;
        },
        table: () => '',
        predetach: () => this.beforeLowGoes(),
      }),
    });
  }

  #filterType(capacity: number | undefined): FilterType {
    return defineFilter({
      name: 'cache',
      version: [1, 0, 0],
      altitude: '30000',
      ops: ALL_OPS,
      params: [],
      attach: (context) => {
        const cache = new VolatileCache({ ...context, ...(capacity === undefined ? {} : { capacity }) });
        this.cache = cache;
        return {
          pre: (bio) => {
            if (this.held === null) return cache.pre(bio, this.isCached(bio));
            this.held.push(bio);
            return PreResult.Taken;
          },
          post: (bio) => cache.post(bio),
          limits: (below) => cache.limits(below),
          extents: (below, sector, count) => cache.extents(below, sector, count),
          table: () => '',
          queryDetach: () => cache.queryDetach(),
          predetach: () => cache.predetach(),
          resume: () => {
            cache.resume();
          },
          detach: () => {
            cache.detach();
          },
        };
      },
    });
  }
}

/** Sectors that hold a value: each says which one it is, so that none can pass for another. 0 is a sector of zeroes. */
export function filled(sector: number, count: number, value: number): Uint8Array {
  const words = new Uint32Array((count * SECTOR_SIZE) / 4);
  if (value > 0) for (let i = 0; i < words.length; i++) words[i] = wordAt(sector, i, value);
  return new Uint8Array(words.buffer);
}

/** The values that sectors hold. */
export function valuesOf(bytes: Uint8Array, sector: number): number[] {
  const words = new Uint32Array(bytes.slice().buffer);
  const perSector = SECTOR_SIZE / 4;
  return Array.from({ length: words.length / perSector }, (_, index) => {
    const own = words.subarray(index * perSector, (index + 1) * perSector);
    const value = own[0]! & 0xffff;
    const expected = (i: number): number => (value === 0 ? 0 : wordAt(sector, index * perSector + i, value));
    return own.every((word, i) => word === expected(i)) ? value : NaN;
  });
}

/** The value in the low half, the number of the sector in the high one. */
function wordAt(first: number, word: number, value: number): number {
  return ((((first + Math.floor(word / (SECTOR_SIZE / 4))) & 0xffff) << 16) | value) >>> 0;
}
