import { expect } from 'vitest';
import {
  type Bio,
  BioOp,
  bioPool,
  type BlockDevice,
  createEngine,
  type Engine,
  type OpenOptions,
  type PluginType,
  type Port,
  type Random,
  SECTOR_SIZE,
  type Status,
} from '../../src/index.ts';
import { VirtualClock } from './clock.ts';
import { TestDisks } from './disks.ts';
import { errorType, spanType } from './plugins.ts';

/** Milliseconds on the rig's clock that an edit waits. */
export const DRAIN_TIMEOUT = 1000;

/** A bio on its way, and how it ended. */
export interface Sent {
  readonly bio: Bio;
  readonly buffer: Uint8Array;
  /** Null until it ends. */
  status: Status | null;
  ends: number;
}

/** How to send a bio. */
export interface SendOptions {
  readonly buffer?: Uint8Array;
  readonly offset?: number;
  readonly flags?: number;
  /** Runs inside the bio's `end`. */
  readonly ended?: () => void;
}

/** Submits a bio and notes its end. */
export function send(port: Port, op: BioOp, sector: number, count: number, options: SendOptions = {}): Sent {
  const { buffer = new Uint8Array(count * SECTOR_SIZE), offset = 0, flags = 0, ended } = options;
  const bio = bioPool.get();
  const sent: Sent = { bio, buffer, status: null, ends: 0 };
  bio.op = op;
  bio.sector = sector;
  bio.count = count;
  bio.flags = flags;
  bio.buffer = buffer;
  bio.bufferOffset = offset;
  bio.end = (done) => {
    sent.status = done.status;
    if (++sent.ends === 1) bioPool.put(done);
    ended?.();
  };
  port.submit(bio);
  return sent;
}

export function read(port: Port, sector: number, count = 1, options: SendOptions = {}): Sent {
  return send(port, BioOp.Read, sector, count, options);
}

export function write(port: Port, sector: number, count = 1, options: SendOptions = {}): Sent {
  return send(port, BioOp.Write, sector, count, options);
}

/** Lets every promise that can go on go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** An engine with disks of the test's own, a clock that stands still, and a record of its events. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly disks = new TestDisks();
  readonly engine: Engine;
  readonly faults: string[] = [];
  readonly logs: string[] = [];
  readonly losses: string[] = [];
  readonly #outstanding = bioPool.outstanding;
  readonly #ports: Port[] = [];

  constructor(...types: readonly PluginType[]) {
    this.engine = createEngine({
      types: [this.disks.type, spanType(), errorType, ...types],
      clock: this.clock,
      drainTimeout: DRAIN_TIMEOUT,
    });
    this.engine.onEvent((event) => {
      if (event.kind === 'log') this.logs.push(event.message);
      else if (event.kind === 'lost') this.losses.push(`${event.device}: ${event.message}`);
      else this.faults.push(`${event.culprit} on ${event.device}: ${event.message}`);
    });
  }

  /** A port that `finish` closes. */
  async open(name: string, options: OpenOptions = {}): Promise<Port> {
    const port = await this.engine.open(name, { claim: 'noexcl', ...options });
    this.#ports.push(port);
    return port;
  }

  device(name: string): BlockDevice {
    const device = this.engine.devices().find((one) => one.name === name);
    if (device === undefined) throw new Error(`there is no device ${name}`);
    return device;
  }

  /** Takes everything down; no bio may be left behind, and no timer. */
  async finish(): Promise<void> {
    for (const port of this.#ports) port.close();
    await this.#close();
    expect(bioPool.outstanding).toBe(this.#outstanding);
    expect(this.clock.pending).toBe(0);
    expect(this.engine.devices().map(({ name }) => name)).toEqual([]);
  }

  /** Time goes on while something is stuck, so that a test that left it there fails instead of waiting. */
  async #close(): Promise<void> {
    let closing = true;
    const closed = this.engine.close().finally(() => (closing = false));
    await settle();
    for (let rounds = 0; closing; rounds++) {
      if (rounds > 1000) throw new Error('the engine does not close');
      this.clock.advance(DRAIN_TIMEOUT);
      await settle();
    }
    await closed;
  }
}

/** A permutation of a list. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
