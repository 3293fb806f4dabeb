import { type Engine, fail, type Port } from '@interposer/core';
import type { ChaosRule } from '@interposer/filter-chaos';
import { BlockIo } from './block-io.ts';
import { delayOf, type FailMatch, type Latency, rulesOf } from './fault-rules.ts';
import { Fault, Stall } from './fault.ts';
import type { FaultLayer } from './fault-layer.ts';
import { conditionsOf, type Match, matchOf } from './match.ts';
import type { Mount } from './mount.ts';
import type { Pause } from './pause.ts';
import type { Power, PowerCutOptions, PowerCutReport } from './power.ts';
import type { DiskRequest, RequestRecorder } from './requests.ts';
import type { DiskServer } from './server.ts';
import { DiskSnapshot } from './snapshot.ts';
import type { Stack } from './stack.ts';

/** What a disk consists of. */
export interface DiskParts {
  readonly seed: number;
  readonly stack: Stack;
  readonly server: DiskServer;
  readonly mount: Mount | undefined;
  readonly recorder: RequestRecorder;
  readonly faults: FaultLayer;
  readonly pause: Pause;
  readonly power: Power;
}

/** A disk that a test commands; made by `createDisk`. Positions and lengths are bytes, and multiples of 512. */
export class Disk extends BlockIo implements AsyncDisposable {
  /** For NBD clients: qemu, fio, nbdcopy, libnbd and others. */
  readonly uri: string;
  /**
   * A file that is the disk, by nbdfuse; undefined where it was not asked for or cannot be had. This process serves it: never
   * use it here by synchronous calls (`readFileSync`, `spawnSync`, a database inside the process), which would wait for themselves.
   */
  readonly path: string | undefined;
  /** Everything else: an engine with this one device. */
  readonly engine: Engine;
  /** Of all that is left to chance: the same seed and the same requests, the same run. */
  readonly seed: number;
  readonly #parts: DiskParts;
  readonly #port: Port;
  readonly #ports = new Set<Port>();
  #closing: Promise<void> | null = null;

  /** Use `createDisk`. */
  constructor(parts: DiskParts) {
    const { stack, server, mount } = parts;
    super(stack.port);
    this.#parts = parts;
    this.#port = stack.port;
    this.seed = parts.seed;
    this.engine = stack.engine;
    this.uri = server.uri;
    this.path = mount?.path;
  }

  /** A further port of core on the disk, for code that works with ports. It is closed with the disk at the latest. */
  async open(): Promise<Port> {
    const port = await this.engine.open(this.usable(this.#port).device.name, {
      claim: 'noexcl',
      holder: 'test',
    });
    this.#ports.add(port);
    return port;
  }

  /**
   * What every client has asked for so far, `read` and `write` of this object included, in the order in which it came: to see
   * whether a program flushes. The latest 65,536.
   */
  requests(): DiskRequest[] {
    return this.#parts.recorder.requests();
  }

  /** Holds requests back until they are released: every one, or those that match. */
  stall(match: Match = {}): Stall {
    const conditions = conditionsOf(matchOf('the match of stall', match), this.size);
    return new Stall(this.#faults, this.#faults.add([{ ...conditions, action: { kind: 'stall' } }]));
  }

  /** Fails the next request, or the next that matches. */
  failNext(match: FailMatch = {}): Fault {
    const { code = 'EIO' } = match;
    const conditions = conditionsOf(matchOf('the match of failNext', match, ['code']), this.size);
    return this.#fault({ times: 1, ...conditions, action: { kind: 'error', code } });
  }

  /** Makes requests, or those that match, take so much longer. */
  slow(latency: Latency, match: Match = {}): Fault {
    return this.#fault({
      ...conditionsOf(matchOf('the match of slow', match), this.size),
      action: delayOf(latency),
    });
  }

  /**
   * Any fault there is: a rule of the filter chaos, or several that share a state, in words or as objects, which may ask a
   * predicate `when`. They count in sectors of 512 bytes. EINVAL for rules that cannot be. A predicate that throws breaks the
   * disk: clients get EIO, and the methods of this object tell why, with EFAULT.
   */
  inject(rules: string | ChaosRule | readonly ChaosRule[]): Fault {
    return this.#fault(...rulesOf(rules));
  }

  /**
   * The power fails: requests that are held or under way fail with EIO, and of what is in the cache some is lost, some is torn
   * and some survives. Then the power is back, unless it is to stay off, and the cache is empty.
   */
  async powerCut(options: PowerCutOptions = {}): Promise<PowerCutReport> {
    this.usable(this.#port);
    return this.#parts.power.cut(options);
  }

  /** The power comes back after `powerCut({ stayOff: true })`. EALREADY if it is on, EBUSY while it is just failing. */
  async powerOn(): Promise<void> {
    this.usable(this.#port);
    this.#parts.power.on();
  }

  /**
   * The contents as clients see them now, un-flushed writes included, faults not; while the power is off, what survived.
   * Requests wait for a moment; none fails.
   */
  async snapshot(): Promise<DiskSnapshot> {
    this.usable(this.#port);
    return DiskSnapshot.take(this.size, this.#parts.pause);
  }

  /**
   * Ends everything: requests that are held or under way fail with ENODEV, the path, the socket and all processes go. May be
   * called again.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** For `await using`: `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { stack, server, mount } = this.#parts;
    // First, so that nobody below waits for requests that a fault holds.
    await stack.engine.yank(stack.port.device.name);
    await mount?.close();
    await server.close();
    for (const port of [...this.#ports, this.#port]) port.close();
    await stack.engine.close();
  }

  get #faults(): FaultLayer {
    return this.#parts.faults;
  }

  #fault(...rules: readonly ChaosRule[]): Fault {
    return new Fault(this.#faults, this.#faults.add(rules));
  }

  protected override usable(port: Port): Port {
    if (this.#closing !== null) throw fail('ESHUTDOWN', 'the disk is closed');
    const { fault } = port.device;
    if (fault !== null)
      throw fail('EFAULT', `${fault.culprit} is broken: ${fault.error.message}`, fault.error);
    return port;
  }
}
