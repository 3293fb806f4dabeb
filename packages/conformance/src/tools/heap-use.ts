import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Bio,
  BioOp,
  bioPool,
  type Clock,
  createEngine,
  type FilterType,
  type Port,
  SECTOR_SIZE,
  systemClock,
} from '@interposer/core';
import { nullDriver } from './null-driver.ts';
import { passFilter } from './pass-filter.ts';

/** Few, so that an object for each bio fits the young generation: no collection hides any. */
const BIOS_OF_A_PART = 20_000;
const DEFAULT_PARTS = 10;
/** Until everything is compiled. */
const FIRST_PARTS = 8;
/** Where something is still allocated: on a busy machine the compiler may not be done yet. */
const MOST_PARTS = 25;
/** Bytes a bio. */
const NOISE = 1;
const SECTORS = 4096;

/** What to measure. */
export interface HeapOptions {
  /** The filter's arguments; none by default. */
  readonly args?: string;
  /** What the bios ask for; reads by default. They are of one sector, in the first 2048 of a device of 4096. */
  readonly op?: BioOp;
  /** So many times 20,000 bios are measured; 10 by default, and more while there is something to be seen. */
  readonly parts?: number;
}

/** Bytes of the heap for each bio, of the part that took least: the compiler allocates at times, too. */
export interface HeapUse {
  /** What a filter takes beyond one that does nothing. */
  readonly allocated: number;
  /** What is still there after a collection of garbage. */
  readonly kept: number;
  /** The filter's status line when all bios have ended. */
  readonly status: string;
}

/**
 * Measures what a filter allocates for each bio that passes it. Asking for the size of the heap, and the calls that core
 * times, come to some tenths of a byte; a boxed number is 12 or 16. Run it with nothing else going on in the process.
 */
export async function heapUse(type: FilterType, options: HeapOptions = {}): Promise<HeapUse> {
  const nothing = await measure(passFilter, { ...options, args: '' });
  const own = await measure(type, options);
  return { ...own, allocated: own.allocated - nothing.allocated };
}

async function measure(type: FilterType, options: HeapOptions): Promise<HeapUse> {
  const { args = '', op = BioOp.Read, parts = DEFAULT_PARTS } = options;
  const engine = createEngine({ types: [nullDriver(SECTORS), type], clock: tickingClock() });
  const port = await engine.open('null:');
  await engine.attachFilter(port.device.number, `${type.name} ${args}`);
  try {
    const use = await burstHeapUse(port, burstOf(op), parts);
    const [filter] = await engine.filters(port.device.number);
    return { ...use, status: filter?.status ?? '' };
  } finally {
    port.close();
    await engine.close();
  }
}

/** Bios that are sent in one go, and end in it. */
export interface Burst {
  readonly bios: number;
  send(port: Port): void;
}

/** 20,000 bios of an operation, of one sector each, in 2048 sectors from the given one on. */
export function burstOf(op: BioOp, first = 0): Burst {
  return {
    bios: BIOS_OF_A_PART,
    send: (port) => {
      for (let i = 0; i < BIOS_OF_A_PART; i++) sendBio(port, op, first + ((i * 7) % (SECTORS / 2)));
    },
  };
}

/** What is allocated for each bio of a burst, and what of it is kept. `parts`: so many bursts are measured, behind some that are not. */
export async function burstHeapUse(
  port: Port,
  burst: Burst,
  parts: number = DEFAULT_PARTS,
): Promise<Pick<HeapUse, 'allocated' | 'kept'>> {
  const collect = exposeCollector();
  let allocated = Infinity;
  let kept = Infinity;
  for (let part = 0; part < FIRST_PARTS + parts || (allocated > NOISE && part < MOST_PARTS); part++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    burst.send(port);
    const after = process.memoryUsage().heapUsed;
    collect();
    if (part >= FIRST_PARTS) {
      allocated = Math.min(allocated, (after - before) / burst.bios);
      kept = Math.min(kept, (process.memoryUsage().heapUsed - before) / burst.bios);
    }
    // What was gathered for a file, or is marked in a log, can be written now.
    await setImmediate();
  }
  return { allocated, kept };
}

const buffer = Buffer.alloc(SECTOR_SIZE);

/** Sends a bio of the pool, which goes back there; of one sector, but for a flush. */
export function sendBio(port: Port, op: BioOp, sector: number, flags = 0): void {
  const bio = bioPool.get();
  bio.op = op;
  bio.flags = flags;
  bio.sector = sector;
  bio.count = op === BioOp.Flush ? 0 : 1;
  bio.buffer = buffer;
  bio.end = putBack;
  port.submit(bio);
}

function putBack(bio: Bio): void {
  bioPool.put(bio);
}

/** Each look at the clock is some time later. The time is in a typed array, which takes no room anew. */
function tickingClock(): Clock {
  const time = new Float64Array(1);
  return { now: () => (time[0]! += 0.0123), after: (ms, callback) => systemClock.after(ms, callback) };
}

/** Node's collector of garbage, which is there on demand only. */
function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
