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
  createEngine,
  type Engine,
  type Port,
  SECTOR_SIZE,
} from '@interposer/core';
import { stats } from '../src/index.ts';

/** Name of the device. */
export const DISK = 'disk';

/** What the message `json` answers, as far as tests look into it. */
export interface Operation {
  readonly bios: number;
  readonly sectors: number;
  readonly bytes: number;
  readonly errors: number;
  readonly inFlight: number;
  readonly mostInFlight: number;
  readonly sequential: number;
  readonly latency: Readonly<Record<string, number>>;
  readonly sizes: readonly unknown[];
}

export interface Report {
  readonly version: number;
  readonly device: string;
  readonly milliseconds: number;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly fuaWrites: number;
  readonly heat: {
    readonly sectors: number;
    readonly areaSectors: number;
    readonly reads: readonly number[];
    readonly writes: readonly number[];
  };
}

/** A mapped device over a disk that the test holds in hand, on a clock that stands still. */
export class Setup {
  readonly clock: VirtualClock = new VirtualClock();
  readonly disk: ChaosDisk;
  readonly engine: Engine;
  port!: Port;
  readonly #sectors: number;

  constructor(options: ChaosOptions = { sectors: 1024 }) {
    const chaos = chaosDriver();
    this.disk = chaos.add('a', options);
    this.engine = createEngine({ types: [chaos, spanTarget, stats], clock: this.clock });
    this.#sectors = options.sectors;
  }

  async start(spec = 'stats'): Promise<void> {
    await this.engine.create(DISK, { table: `0 ${this.#sectors} span chaos:a 0` });
    await this.engine.attachFilter(DISK, spec);
    this.port = await this.engine.open(DISK);
  }

  async stop(): Promise<void> {
    this.port.close();
    await this.engine.close();
  }

  /** Sends a bio; what it ended with is in the returned array then. */
  send(op: BioOp, sector: number, count: number, flags = 0): number[] {
    const bio = bioPool.get();
    const ended: number[] = [];
    bio.op = op;
    bio.sector = sector;
    bio.count = count;
    bio.flags = flags;
    bio.buffer = new Uint8Array(count * SECTOR_SIZE);
    bio.end = (done: Bio): void => {
      ended.push(done.status);
      bioPool.put(done);
    };
    this.port.submit(bio);
    return ended;
  }

  message(...words: string[]): Promise<string> {
    return this.engine.messageFilter(DISK, 'stats', words);
  }

  async report(): Promise<Report> {
    return JSON.parse(await this.message('json')) as Report;
  }

  async status(): Promise<string> {
    const [filter] = await this.engine.filters(DISK);
    return filter!.status;
  }
}
