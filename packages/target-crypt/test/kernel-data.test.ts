import { isInterposerError, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../conformance/test/kernel/deviations.ts';
import { clearData, DATA_SECTORS, type RecordedCase, recordedCases, sha256, tableOf } from './recorded.ts';
import { type Stand, makeStand } from './stand.ts';

/** Where the row begins on the disk. */
const OFFSET = 16;

const clear = clearData();

/** Parts of the names of what neither OpenSSL nor block-cipher has. */
const MISSING = namesOf('crypt-data', 'left out');

/** False where something is missing. */
async function tryCase({ engine, disk }: Stand, one: RecordedCase): Promise<boolean> {
  try {
    await engine.create('x', { table: tableOf(one, 'chaos:a', OFFSET) });
  } catch (error) {
    if (isInterposerError(error) && ['ENOTSUP', 'ENOENT'].includes(error.code)) return false;
    throw error;
  }
  await engine.write('x', 0, clear);
  const below = disk.data.subarray(OFFSET * SECTOR_SIZE, (OFFSET + DATA_SECTORS) * SECTOR_SIZE);
  expect(Buffer.from(below.subarray(0, 16)).toString('hex')).toBe(one.first);
  expect(sha256(below)).toBe(one.sha256);
  // In pieces, so that each begins at a sector of its own.
  const step = 8;
  for (let sector = 0; sector < DATA_SECTORS; sector += step) {
    const data = await engine.read('x', sector, step);
    expect(clear.compare(data, 0, data.length, sector * SECTOR_SIZE, (sector + step) * SECTOR_SIZE)).toBe(0);
  }
  await engine.remove('x');
  return true;
}

const cases = recordedCases();

describe('what is written is what the kernel writes', () => {
  const served = new Set<RecordedCase>();

  it.each(
    cases.map((one, index) => [`${one.cipher} ${one.options.join(' ')} (${String(index)})`, one] as const),
  )('%s', async (_, one) => {
    if (await tryCase(makeStand(), one)) served.add(one);
  });

  it('of all ciphers, modes and IVs but a few', () => {
    const missing = cases.filter((one) => !served.has(one)).map(({ cipher }) => cipher);
    const isKnown = (cipher: string): boolean => MISSING.some((part) => cipher.includes(part));
    expect(missing.filter((cipher) => !isKnown(cipher))).toEqual([]);
    expect(MISSING.filter((part) => !missing.some((cipher) => cipher.includes(part)))).toEqual([]);
    expect(served.size).toBeGreaterThanOrEqual(170);
  });
});
