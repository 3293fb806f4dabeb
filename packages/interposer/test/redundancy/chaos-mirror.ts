import { setImmediate } from 'node:timers/promises';
import { type ChaosDisk, chaosDriver, VirtualClock } from '@interposer/conformance';
import { createEngine, type Engine, type Port, Random } from '@interposer/core';
import { chaos } from '@interposer/filter-chaos';
import { mirror } from '@interposer/target-mirror';
import { stamped } from './expectation.ts';
import { sealed } from './sealed.ts';

export const SECTORS = 128;
const LOG_SECTORS = 8;
/** Numbers of what a new leg holds: nobody may ever see it. */
const FOREIGN = 2 ** 31;
/** Milliseconds after which stalled requests go on. */
const STALL = 40;

/** Faults that are errors: of a disk, or for the layer that checks it. */
const ERRORS = [
  'on write probability=0.3 times=4 do error',
  'on write times=3 do torn ack=no',
  'on read times=3 do error',
  'on read times=3 do rot',
  'on flush times=2 do error',
  'on any probability=0.2 times=4 do error=ENOSPC',
];
/** Faults that only take their time. */
const DELAYS = [
  'on any probability=0.3 times=4 do stall',
  'on any probability=0.5 times=20 do latency p50=3 p99=60',
  'on write times=3 do delay=200',
];

/** A disk of a mirror, and the rules of its faults. */
export class Leg {
  readonly spec: string;
  readonly disk: ChaosDisk;
  readonly #engine: Engine;
  /** Keeps the disk and its filter there while no table has it. */
  readonly #port: Port;
  #errors: readonly string[] = [];
  /** How many requests the rules failed that were taken out. */
  #failed = 0;

  /** Use `ChaosMirror.leg`. */
  constructor(engine: Engine, spec: string, disk: ChaosDisk, port: Port) {
    this.#engine = engine;
    this.spec = spec;
    this.disk = disk;
    this.#port = port;
  }

  send(words: string): Promise<string> {
    return this.#engine.messageFilter(this.#port.device.number, 'chaos', words.split(' '));
  }

  async disturb(rule: string): Promise<void> {
    const id = await this.send(`add ${rule}`);
    if (ERRORS.includes(rule)) this.#errors = [...this.#errors, id];
  }

  /** How many requests failed because of a fault. */
  async failures(): Promise<number> {
    const rules = (await this.send('rules')).split('\n');
    return rules
      .filter((rule) => this.#errors.includes(rule.split(' ')[0]!))
      .reduce((sum, rule) => sum + Number(/ fired=(\d+) /.exec(rule)![1]), this.#failed);
  }

  /** Nothing new fails, and what waits goes on. What has failed is still known. */
  async calm(): Promise<void> {
    this.#failed = await this.failures();
    this.#errors = [];
    await this.send('remove all');
    await this.send('resume all');
  }

  /** It is a good disk again. */
  async heal(): Promise<void> {
    await this.calm();
    this.#failed = 0;
  }

  close(): void {
    this.#port.close();
  }
}

/** A mirror `m` of legs that have faults, on a clock that runs only while something is waited for. */
export class ChaosMirror {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly engine: Engine;
  legs: readonly Leg[] = [];
  readonly #all: Leg[] = [];
  readonly #driver = chaosDriver();
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.random = new Random(seed);
    this.engine = createEngine({ types: [mirror, chaos, sealed, this.#driver], clock: this.clock });
    this.#driver.add('log', { sectors: LOG_SECTORS, delay: 2 });
  }

  /** A disk whose sectors are of one write; or a new one, with what nobody may see. `checks`: what is read from it is checked. */
  async leg(number: number = FOREIGN, checks = true): Promise<Leg> {
    const name = String(this.#all.length);
    const disk = this.#driver.add(name, { sectors: SECTORS, delay: 3, seed: this.#seed + this.#all.length });
    disk.data.set(stamped(0, SECTORS, number));
    const port = await this.engine.open(`chaos:${name}`, { claim: 'noexcl' });
    await this.engine.attachFilter(port.device.number, `chaos seed=${String(this.random.below(2 ** 31))}`);
    if (checks) await this.engine.attachFilter(port.device.number, 'sealed');
    const leg = new Leg(this.engine, `chaos:${name}`, disk, port);
    this.#all.push(leg);
    return leg;
  }

  async create(log: string, legs: readonly Leg[], features: string): Promise<void> {
    await this.wait(this.engine.create('m', { table: tableOf(log, legs, features) }));
    this.legs = legs;
  }

  /** Another table takes the place of the one in use, while it is in use. */
  async swap(log: string, legs: readonly Leg[], features: string): Promise<void> {
    const { engine } = this;
    await this.wait(engine.load('m', tableOf(log, legs, features)));
    await this.wait(engine.suspend('m', { noflush: true }));
    await this.wait(engine.resume('m'));
    this.legs = legs;
  }

  /** The letters of the legs. */
  async letters(): Promise<string> {
    const [row] = await this.engine.status('m');
    return / \d+\/\d+ 1 ([ADFSR]+) /.exec(row!.params)![1]!;
  }

  /** A fault of a leg; `errs`: it may be an error. */
  async disturb(leg: Leg, errs: boolean): Promise<void> {
    await leg.disturb(this.random.pick(errs ? [...ERRORS, ...DELAYS] : DELAYS));
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false };
    const settle = (): void => void (state.settled = true);
    promise.then(settle, settle);
    for (let turn = 0; !isTrue(() => state.settled); turn++) {
      if (turn > 50_000) throw new Error('does not end');
      await this.pass(1);
    }
    return promise;
  }

  /** Time passes; what has stalled for a while goes on. */
  async pass(milliseconds: number): Promise<void> {
    for (let i = 0; i < milliseconds; i++) {
      await setImmediate();
      this.clock.advance(1);
      if (this.clock.now() % STALL === 0) for (const leg of this.#all) await leg.send('resume stall');
    }
  }

  async end(): Promise<void> {
    for (const leg of this.#all.splice(0)) {
      await leg.heal();
      leg.close();
    }
    await this.wait(this.engine.close());
  }
}

function tableOf(log: string, legs: readonly Leg[], features: string): string {
  const devices = legs.map(({ spec }) => `${spec} 0`).join(' ');
  return `0 ${String(SECTORS)} mirror ${log} ${String(legs.length)} ${devices}${features}`;
}

/** Read through a function: the flag changes while somebody waits. */
function isTrue(flag: () => boolean): boolean {
  return flag();
}
