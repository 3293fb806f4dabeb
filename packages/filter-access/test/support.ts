import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ChaosDisk,
  chaosDriver,
  type ChaosOptions,
  spanTarget,
  VirtualClock,
} from '@interposer/conformance';
import {
  type Bio,
  BioOp,
  bioPool,
  createEngine,
  type Engine,
  type FilterType,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { access } from '../src/index.ts';

/** Name of the device. */
export const DISK = 'disk';

/** A line of an audit log. */
export interface Line {
  readonly time: string;
  readonly device?: string;
  readonly op?: string;
  readonly sector?: number;
  readonly count?: number;
  readonly outcome?: string;
  readonly rule?: string;
  readonly lost?: number;
}

/** A mapped device over a disk that the test holds in hand, on a clock that stands still. */
export class Setup {
  readonly clock: VirtualClock = new VirtualClock();
  readonly disk: ChaosDisk;
  readonly engine: Engine;
  /** What the engine logged. */
  readonly messages: string[] = [];
  port!: Port;
  /** A directory of the test's own. */
  directory!: string;
  readonly #sectors: number;

  constructor({ sectors = 1024, ...options }: Partial<ChaosOptions> = {}, type: FilterType = access) {
    const chaos = chaosDriver();
    this.#sectors = sectors;
    this.disk = chaos.add('a', { sectors, ...options });
    this.engine = createEngine({ types: [chaos, spanTarget, type], clock: this.clock });
    this.engine.onEvent((event) => {
      this.messages.push(event.message);
    });
  }

  /** Makes the device, and puts the filter on it. `LOG` in the text stands for a file of the test's own. */
  async start(spec: string): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'interposer-access-'));
    await this.engine.create(DISK, { table: `0 ${String(this.#sectors)} span chaos:a 0` });
    this.port = await this.engine.open(DISK);
    await this.attach(spec);
  }

  attach(spec: string): Promise<unknown> {
    return this.engine.attachFilter(DISK, spec.replace('LOG', this.logPath));
  }

  async stop(): Promise<void> {
    this.port.close();
    await this.engine.close();
    await rm(this.directory, { recursive: true });
  }

  get logPath(): string {
    return join(this.directory, 'audit.log');
  }

  /** Sends a bio; what it ended with is in the returned array then. A write is of bytes 7, a read's buffer holds 9 before. */
  send(op: BioOp, sector: number, count: number, into?: Uint8Array): Status[] {
    const bio = bioPool.get();
    const ended: Status[] = [];
    bio.op = op;
    bio.sector = sector;
    bio.count = count;
    bio.buffer = into ?? new Uint8Array(count * SECTOR_SIZE).fill(op === BioOp.Write ? 7 : 9);
    bio.end = (done: Bio): void => {
      ended.push(done.status);
      bioPool.put(done);
    };
    this.port.submit(bio);
    return ended;
  }

  /** One letter for each sector of a range: `7` written by `send`, `.` never written, `?` else. */
  contents(sector: number, count: number): string {
    const letters = Array.from({ length: count }, (_, i) => {
      const bytes = this.disk.data.subarray((sector + i) * SECTOR_SIZE, (sector + i + 1) * SECTOR_SIZE);
      if (bytes.every((byte) => byte === 7)) return '7';
      return bytes.every((byte) => byte === 0) ? '.' : '?';
    });
    return letters.join('');
  }

  message(text: string): Promise<string> {
    return this.engine.messageFilter(DISK, 'access', text.split(' '));
  }

  async status(): Promise<string> {
    const [filter] = await this.engine.filters(DISK);
    return filter!.status;
  }

  async args(): Promise<string> {
    const [filter] = await this.engine.filters(DISK);
    return filter!.args.replace(this.logPath, 'LOG');
  }

  /** The log as it is in the file after `message log`. */
  async lines(): Promise<Line[]> {
    await this.message('log');
    const text = await readFile(this.logPath, 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }
}

/** Shortcuts for the expected answers. */
export const OK: Status[] = [Status.Ok];
export const EPERM: Status[] = [Status.Perm];
