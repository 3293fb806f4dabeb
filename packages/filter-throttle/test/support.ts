import { type ChaosDisk, chaosDriver, spanTarget, VirtualClock } from '@interposer/conformance';
import {
  type Bio,
  BioOp,
  bioPool,
  createEngine,
  type Engine,
  type Port,
  SECTOR_SIZE,
} from '@interposer/core';
import { throttle } from '../src/index.ts';

/** Name of the device. */
export const DISK = 'disk';

const SECTORS = 8192;

/** A mapped device over a disk in memory that answers at once, on a clock that stands still until it is moved. */
export class Setup {
  readonly clock: VirtualClock = new VirtualClock();
  readonly disk: ChaosDisk;
  readonly engine: Engine;
  /** What came to its end, as `<name>@<time>`, in this order. */
  readonly ended: string[] = [];
  port!: Port;

  constructor() {
    const chaos = chaosDriver();
    this.disk = chaos.add('a', { sectors: SECTORS });
    this.engine = createEngine({ types: [chaos, spanTarget, throttle], clock: this.clock });
  }

  async start(spec: string): Promise<void> {
    await this.engine.create(DISK, { table: `0 ${String(SECTORS)} span chaos:a 0` });
    await this.engine.attachFilter(DISK, spec);
    this.port = await this.engine.open(DISK);
  }

  async stop(): Promise<void> {
    this.port.close();
    await this.engine.close();
  }

  /** Sends a bio, and notes when it ends. */
  send(name: string, op: BioOp, count = 1, after: () => void = () => undefined): void {
    const bio = bioPool.get();
    bio.op = op;
    bio.count = op === BioOp.Flush ? 0 : count;
    bio.buffer = new Uint8Array(bio.count * SECTOR_SIZE);
    bio.end = (done: Bio): void => {
      this.ended.push(
        `${name}@${String(Number(this.clock.now().toFixed(3)))}${done.status === 0 ? '' : ` failed with ${String(done.status)}`}`,
      );
      bioPool.put(done);
      after();
    };
    this.port.submit(bio);
  }

  read(name: string, count = 1): void {
    this.send(name, BioOp.Read, count);
  }

  write(name: string, count = 1): void {
    this.send(name, BioOp.Write, count);
  }

  /** What has ended since the last look. */
  news(): string[] {
    return this.ended.splice(0);
  }

  message(text: string): Promise<string> {
    return this.engine.messageFilter(DISK, 'throttle', text.split(' '));
  }

  async status(): Promise<string> {
    const [filter] = await this.engine.filters(DISK);
    return filter!.status;
  }

  async args(): Promise<string> {
    const [filter] = await this.engine.filters(DISK);
    return filter!.args;
  }
}
