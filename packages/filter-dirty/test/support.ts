import {
  type ChaosDisk,
  chaosDriver,
  type ChaosOptions,
  spanTarget,
  VirtualClock,
} from '@interposer/conformance';
import {
  type Bio,
  type BioOp,
  bioPool,
  type ContextExtent,
  createEngine,
  type Engine,
  type MetadataContext,
  type Port,
  SECTOR_SIZE,
} from '@interposer/core';
import { dirty } from '../src/index.ts';

/** Name of the device. */
export const DISK = 'disk';

/** A mapped device over a disk that the test holds in hand, on a clock that stands still. */
export class Setup {
  readonly clock: VirtualClock = new VirtualClock();
  readonly disk: ChaosDisk;
  readonly engine: Engine;
  port!: Port;
  readonly #sectors: number;

  constructor({ sectors = 1024, ...options }: Partial<ChaosOptions> = {}) {
    const chaos = chaosDriver();
    this.disk = chaos.add('a', { sectors, ...options });
    this.engine = createEngine({ types: [chaos, spanTarget, dirty], clock: this.clock });
    this.#sectors = sectors;
  }

  /** Makes the device, by default over the whole disk, and puts the filter on it. */
  async start(spec: string, sectors: number = this.#sectors): Promise<void> {
    await this.engine.create(DISK, { table: tableOf(sectors) });
    this.port = await this.engine.open(DISK);
    await this.engine.attachFilter(DISK, spec);
  }

  async stop(): Promise<void> {
    this.port.close();
    await this.engine.close();
  }

  /** Gives the device another size. */
  async resize(sectors: number): Promise<void> {
    await this.engine.transaction([{ kind: 'reload', device: DISK, table: tableOf(sectors) }]);
  }

  /** Sends a bio, with a pattern as its data; what it ended with is in the returned array then. */
  send(op: BioOp, sector: number, count: number, pattern = 1): number[] {
    const bio = bioPool.get();
    const ended: number[] = [];
    bio.op = op;
    bio.sector = sector;
    bio.count = count;
    bio.buffer = new Uint8Array(count * SECTOR_SIZE).fill(pattern);
    bio.end = (done: Bio): void => {
      ended.push(done.status);
      bioPool.put(done);
    };
    this.port.submit(bio);
    return ended;
  }

  message(words: string): Promise<string> {
    return this.engine.messageFilter(DISK, 'dirty', words.split(' '));
  }

  async status(): Promise<string> {
    const [filter] = await this.engine.filters(DISK);
    return filter!.status;
  }

  async args(): Promise<string> {
    const [filter] = await this.engine.filters(DISK);
    return filter!.args;
  }

  /** Names of the bitmaps that are published. */
  get names(): string[] {
    return this.port.contexts().map(({ name }) => name);
  }

  context(bitmap: string): MetadataContext {
    return this.port.contexts().find(({ name }) => name === `qemu:dirty-bitmap:${bitmap}`)!;
  }

  extents(bitmap: string, sector = 0, count = this.port.limits.sectors - sector): Promise<ContextExtent[]> {
    return this.context(bitmap).extents(sector, count);
  }

  /** The dirty ranges of the whole device, e.g. `8+16 64+8`. */
  async dirty(bitmap = 'dirty'): Promise<string> {
    const extents = await this.extents(bitmap);
    return extents
      .filter(({ flags }) => flags === 1)
      .map(({ sector, count }) => `${String(sector)}+${String(count)}`)
      .join(' ');
  }
}

function tableOf(sectors: number): string {
  return `0 ${String(sectors)} span chaos:a 0`;
}
