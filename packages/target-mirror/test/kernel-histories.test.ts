import { readFileSync } from 'node:fs';
import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { runsIn, stamp } from '../../conformance/test/kernel/disk.ts';
import type { Run } from '../../conformance/test/kernel/scenario.ts';
import { openRecorded } from './reopen.ts';

/** The disks of a mirror at a moment. */
interface Disks {
  readonly legs: readonly (readonly Run[])[];
  /** In hexadecimal digits: the first 16 bytes, and 32 from byte 1024 on. All others are zero. */
  readonly log: { readonly header: string; readonly bits: string };
}

/** What a kernel left, and what it made of it when it opened it. */
interface History {
  readonly name: string;
  readonly sectors: number;
  readonly region: number;
  readonly word: string;
  readonly offsets: readonly number[];
  readonly before: Disks;
  /** Regions in sync before any was copied. */
  readonly inSync: number;
  readonly after: Disks;
}

const FILE = new URL('../../conformance/vectors/mirror-histories.json', import.meta.url);
const { histories } = JSON.parse(readFileSync(FILE, 'utf8')) as { histories: History[] };

const LEG_SECTORS = 256;
const LOG_SECTORS = 64;
const BITS_AT = 1024;
const NAMES = 'abc';

function legImage(runs: readonly Run[]): Uint8Array {
  const image = Buffer.alloc(LEG_SECTORS * SECTOR_SIZE);
  for (const [first, count, letter, number] of runs) {
    for (let i = 0; i < count; i++) stamp(letter, number! + i).copy(image, (first + i) * SECTOR_SIZE);
  }
  return image;
}

function logImage({ header, bits }: Disks['log']): Buffer {
  const image = Buffer.alloc(LOG_SECTORS * SECTOR_SIZE);
  image.write(header, 0, 'hex');
  image.write(bits, BITS_AT, 'hex');
  return image;
}

describe('mirrors of the kernel', () => {
  it.each(histories.map((history) => [history.name, history] as const))('%s', async (_, history) => {
    const { sectors, region, word, offsets, before, after } = history;
    const legs = before.legs.map((runs, leg) => [NAMES[leg]!, legImage(runs)] as const);
    const log = `disk ${word === '' ? '2' : '3'} tape:log ${String(region)}${word === '' ? '' : ` ${word}`}`;
    const opened = await openRecorded(new Map([...legs, ['log', logImage(before.log)]]), {
      sectors,
      log,
      offsets,
    });
    expect(opened.inSync).toBe(history.inSync);
    for (const [leg, runs] of after.legs.entries()) {
      expect(runsIn(opened.images.get(NAMES[leg]!)!, 0), `leg ${String(leg)}`).toEqual(runs);
    }
    expect(Buffer.compare(opened.images.get('log')!, logImage(after.log))).toBe(0);
  });
});
