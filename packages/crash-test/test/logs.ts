import { type MemoryDisk, memoryDriver } from '@interposer/conformance';
import { createEngine, type Engine, type Port, SECTOR_SIZE } from '@interposer/core';
import { LogFlag, makeHeader, writeCount, writeEntry } from '@interposer/write-log';
import type { CrashState } from '../src/index.ts';

/** A step of a history: a write of one letter for each sector, from a sector on, or what it says. */
export type Step =
  | readonly [op: 'write' | 'fua', sector: number, letters: string]
  | readonly [op: 'discard', sector: number, count: number]
  | readonly [op: 'mark', text: string]
  | readonly [op: 'flush'];

/** Sectors that are full of a letter each; `.` is zeroes. */
export function sectorsOf(letters: string): Uint8Array {
  const data = new Uint8Array(letters.length * SECTOR_SIZE);
  for (const [index, letter] of Array.from(letters).entries()) {
    if (letter !== '.') data.fill(letter.charCodeAt(0), index * SECTOR_SIZE, (index + 1) * SECTOR_SIZE);
  }
  return data;
}

/** The letters of sectors; EIO of a kind for a sector that is not full of one. */
export function lettersOf(data: Uint8Array): string {
  let letters = '';
  for (let at = 0; at < data.length; at += SECTOR_SIZE) {
    const sector = data.subarray(at, at + SECTOR_SIZE);
    if (sector.some((byte) => byte !== sector[0]))
      throw new Error(`sector ${String(at / SECTOR_SIZE)} is mixed`);
    letters += sector[0] === 0 ? '.' : String.fromCharCode(sector[0]!);
  }
  return letters;
}

/** All letters of a state. */
export async function contentOf(state: CrashState): Promise<string> {
  return lettersOf(await state.read(0, state.sectors));
}

const FLAGS = {
  write: 0,
  fua: LogFlag.Fua,
  discard: LogFlag.Discard,
  mark: LogFlag.Mark,
  flush: LogFlag.Flush,
} as const;

/** The bytes of a log of some steps, as they stand in it. */
export function logOf(steps: readonly Step[]): Buffer {
  const header = makeHeader(SECTOR_SIZE);
  writeCount(header, steps.length);
  return Buffer.concat([header, ...steps.flatMap(entryOf)]);
}

function entryOf(step: Step): Uint8Array[] {
  const [op, place = 0, more = ''] = step;
  const block = Buffer.alloc(SECTOR_SIZE);
  const count = typeof more === 'string' ? more.length : more;
  const text = typeof place === 'string' ? Buffer.from(place) : null;
  writeEntry(block, SECTOR_SIZE, text === null ? (place as number) : 0, count, FLAGS[op], text);
  return typeof more === 'string' ? [block, sectorsOf(more)] : [block];
}

/** A base and a log, open. */
export interface Disks {
  readonly engine: Engine;
  readonly base: Port;
  readonly log: Port;
  /** The base, to look into. */
  readonly baseDisk: MemoryDisk;
  close(): Promise<void>;
}

/** A base of some letters and a log of some steps. */
export async function open(letters: string, steps: readonly Step[]): Promise<Disks> {
  const driver = memoryDriver();
  const baseDisk = driver.add('base', { sectors: letters.length });
  baseDisk.data.set(sectorsOf(letters));
  const bytes = logOf(steps);
  driver.add('log', { sectors: bytes.length / SECTOR_SIZE }).data.set(bytes);
  const engine = createEngine({ types: [driver] });
  const [base, log] = [
    await engine.open('memory:base', { mode: 'read' }),
    await engine.open('memory:log', { mode: 'read' }),
  ];
  const close = async (): Promise<void> => {
    base.close();
    log.close();
    await engine.close();
  };
  return { engine, base, log, baseDisk, close };
}
