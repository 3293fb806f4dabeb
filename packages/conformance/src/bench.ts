import assert from 'node:assert/strict';
import { bioPool, createEngine, type Engine, type PluginType, type Port, Random } from '@interposer/core';
import { Patience } from './patience.ts';
import type { ChaosDisk, ChaosOptions } from './tools/chaos-disk.ts';
import { chaosDriver, type DiskDriver } from './tools/disk-driver.ts';
import { passFilter } from './tools/pass-filter.ts';
import { spanTarget } from './tools/span-target.ts';
import { VirtualClock } from './tools/virtual-clock.ts';

const DRAIN_TIMEOUT = 1000;

/** How the surroundings of a case are made. */
export interface BenchOptions {
  readonly types: readonly PluginType[];
  readonly seed: number;
  /** Null: a virtual clock. Else the machine's, with this many milliseconds for each wait. */
  readonly realTime: number | null;
}

/** An engine with disks to build on, and what must hold when a case is over: nothing is left. */
export class Bench {
  readonly engine: Engine;
  readonly clock: VirtualClock | null;
  readonly random: Random;
  /** Faults that core reported; a case that provokes some takes them out. */
  readonly faults: string[] = [];
  /** The kit's disks below the subject, in the order of its table. */
  readonly disks: ChaosDisk[] = [];
  /** To be undone at the end, last first. */
  readonly cleanups: (() => void | Promise<void>)[] = [];
  /** To be ended before the device is closed: clients and servers. */
  readonly beforeFinish: (() => Promise<void>)[] = [];
  readonly #patience: Patience;
  readonly #seed: number;
  readonly #driver: DiskDriver<ChaosDisk, ChaosOptions> = chaosDriver();
  readonly #outstanding: number = bioPool.outstanding;
  #finished = false;

  constructor({ types, seed, realTime }: BenchOptions) {
    this.#seed = seed;
    this.random = new Random(seed);
    this.clock = realTime === null ? new VirtualClock() : null;
    this.#patience = new Patience(this.clock, realTime ?? 0);
    this.engine = createEngine({
      types: [this.#driver, passFilter, spanTarget, ...types],
      drainTimeout: realTime ?? DRAIN_TIMEOUT,
      ...(this.clock === null ? {} : { clock: this.clock }),
    });
    this.engine.onEvent((event) => {
      if (event.kind === 'fault') this.faults.push(`${event.culprit} on ${event.device}: ${event.message}`);
    });
  }

  /** A new disk of the kit; its name. `below` counts it among those under the subject. */
  addDisk(options: ChaosOptions, below = true): string {
    const name = `d${String(this.cleanups.length)}`;
    const disk = this.#driver.add(name, { seed: this.#seed, ...options });
    this.cleanups.push(() => {
      assert(!disk.isOpen, `disk ${name} is still open: a port was not closed`);
    });
    if (below) this.disks.push(disk);
    return `chaos:${name}`;
  }

  /** Waits, and fails where it would wait for ever. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.#patience.wait(promise, () => this.#stuck());
  }

  /** Lets time pass for what is under way. */
  pass(milliseconds: number): Promise<void> {
    return this.#patience.pass(milliseconds);
  }

  /** Takes everything down and checks that nothing is left: bios, ports, faults. A second call does nothing. */
  async takeDown(port: Port | null): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    for (const end of this.beforeFinish) await this.wait(end());
    assert.deepEqual(this.faults, [], 'core reported faults');
    for (const device of this.engine.devices())
      assert.equal(device.gate.inflight, 0, `bios are left inside ${device.name}`);
    port?.close();
    await this.wait(this.engine.close());
    assert.equal(bioPool.outstanding, this.#outstanding, 'pooled bios that were not given back');
    assert.deepEqual(this.faults, [], 'core reported faults at the end');
    for (const cleanup of this.cleanups.reverse()) await cleanup();
  }

  /** After a failure: only what outlives the process is undone, as far as it goes. */
  async abandon(port: Port | null): Promise<void> {
    for (const end of this.beforeFinish) end().catch(() => undefined);
    port?.close();
    const attempts = this.cleanups.reverse().map(async (cleanup) => cleanup());
    await Promise.allSettled(attempts);
  }

  #stuck(): string {
    const stuck = this.engine.devices().flatMap((device) => device.stuck());
    return stuck.length === 0 ? 'no bio is known to be stuck' : stuck.join('; ');
  }
}
