import { type ChaosDisk, chaosDriver } from '@interposer/conformance';
import {
  type Bio,
  BioOp,
  bioPool,
  type Clock,
  createEngine,
  type Engine,
  type Port,
  SECTOR_SIZE,
  type Status,
  systemClock,
} from '@interposer/core';
import { type LogEntry, readLog } from '@interposer/write-log';
import { logWrites, logWritesFilter } from '../src/index.ts';

/** Sectors of the device that is logged. */
export const SECTORS = 64;

/** A device `x` that logs what goes to `chaos:main` on `chaos:log`. */
export interface Bench {
  readonly engine: Engine;
  readonly main: ChaosDisk;
  readonly log: ChaosDisk;
  /** What was logged as a message to the user. */
  readonly told: string[];
}

/** Disks that can be held; `x` is not there yet. */
export function makeBench(clock: Clock = systemClock): Bench {
  const driver = chaosDriver();
  const main = driver.add('main', { sectors: SECTORS });
  const log = driver.add('log', { sectors: 1024 });
  driver.add('fresh', { sectors: SECTORS });
  const engine = createEngine({ types: [logWrites, logWritesFilter, driver], clock });
  const told: string[] = [];
  engine.onEvent((event) => {
    if (event.kind === 'log') told.push(event.message);
  });
  return { engine, main, log, told };
}

export const TABLE = `0 ${String(SECTORS)} log-writes chaos:main chaos:log`;

/** A sector full of a letter. */
export function sectorOf(letter: string): Uint8Array {
  return new Uint8Array(SECTOR_SIZE).fill(letter.charCodeAt(0));
}

/** Sends a request that may wait; resolves with its status. A write is of one sector of a letter. */
export function send(port: Port, op: BioOp, sector = 0, letter = ' ', flags = 0): Promise<Status> {
  return new Promise((resolve) => {
    const bio = bioPool.get();
    bio.op = op;
    bio.flags = flags;
    bio.sector = sector;
    bio.count = op === BioOp.Flush ? 0 : 1;
    bio.buffer = sectorOf(letter);
    bio.end = (done: Bio) => {
      const { status } = done;
      bioPool.put(done);
      resolve(status);
    };
    port.submit(bio);
  });
}

/** The entries of a log, in short: `a` a write of that letter, `A` one with FUA, `flush`, `discard`, or `"text"`. */
export async function entriesOf(engine: Engine, spec = 'chaos:log'): Promise<string[]> {
  const port = await engine.open(spec, { mode: 'read', claim: 'noexcl' });
  const found: string[] = [];
  try {
    for await (const entry of readLog(port)) found.push(summary(entry));
    return found;
  } finally {
    port.close();
  }
}

function summary({ flags, mark, data }: LogEntry): string {
  if (mark !== undefined) return `"${mark}"`;
  if (flags === 1) return 'flush';
  if (flags === 4) return 'discard';
  const letter = String.fromCharCode(data[0]!);
  return flags === 2 ? letter.toUpperCase() : letter;
}

/** The state of `x`. */
export async function statusOf(engine: Engine): Promise<string | undefined> {
  return (await engine.status('x'))[0]?.params;
}
