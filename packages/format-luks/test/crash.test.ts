import { hash } from 'node:crypto';
import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import {
  backupHeader,
  type LuksStorage,
  type LuksVolume,
  memoryStorage,
  readLuks,
  restoreHeader,
} from '../src/index.ts';
import { CHEAP, FIRST, newVolume } from './support/volumes.ts';

const SECTOR = 512;
/** So many changed sectors are tried in all subsets; of more, some. */
const EXHAUSTIVE = 4;
const SAMPLES = 8;

/** What one flush made stable: sectors with what they became. */
type Epoch = Map<number, Buffer>;

/** A storage that keeps which sectors each epoch changed. */
function recorder(buffer: Buffer, bytes: number): { storage: LuksStorage; epochs: () => Epoch[] } {
  const below = memoryStorage(buffer);
  const epochs: Epoch[] = [new Map()];
  const storage: LuksStorage = {
    ...below,
    bytes,
    write: async (offset, data) => {
      const before = Buffer.from(buffer);
      await below.write(offset, data);
      const first = Math.floor(offset / SECTOR);
      for (let sector = first; sector * SECTOR < offset + data.length; sector++) {
        const range = [sector * SECTOR, (sector + 1) * SECTOR] as const;
        const now = buffer.subarray(...range);
        if (!now.equals(before.subarray(...range))) epochs.at(-1)!.set(sector, Buffer.from(now));
      }
    },
    flush: async () => {
      epochs.push(new Map());
    },
  };
  return { storage, epochs: () => epochs.filter(({ size }) => size > 0) };
}

/** Every disk that a loss of power could leave: all of some epochs, and any sectors of the next one. */
function* states(start: Buffer, epochs: readonly Epoch[], random: Random): Generator<Buffer> {
  const disk = Buffer.from(start);
  for (const epoch of epochs) {
    const sectors = [...epoch.keys()];
    for (const subset of subsets(sectors, random)) {
      const state = Buffer.from(disk);
      for (const sector of subset) epoch.get(sector)!.copy(state, sector * SECTOR);
      yield state;
    }
    for (const [sector, data] of epoch) data.copy(disk, sector * SECTOR);
  }
  yield disk;
}

function* subsets(sectors: readonly number[], random: Random): Generator<readonly number[]> {
  if (sectors.length <= EXHAUSTIVE) {
    for (let bits = 0; bits < 2 ** sectors.length; bits++) yield sectors.filter((_, at) => bits & (1 << at));
    return;
  }
  yield [];
  yield sectors.slice(0, 1);
  yield sectors.slice(1);
  yield sectors.slice(0, -1);
  for (let sample = 0; sample < SAMPLES; sample++) yield sectors.filter(() => random.chance(0.5));
}

/** The header, and the areas of the first two key slots. */
const USED = { 1: 4096 + 2 * 65_536, 2: 32_768 + 2 * 65_536 } as const;

interface Crash {
  readonly change: (volume: LuksVolume, volumeKey: Buffer) => Promise<unknown>;
  /** One of them opens in each state. */
  readonly anyOf: readonly string[];
  /** Each of them opens in each state. */
  readonly always: readonly string[];
}

/** Slot 6 of LUKS1 stands in two sectors. */
const CHANGES: Readonly<Record<string, Crash>> = {
  'adding a key': {
    change: (volume, key) => volume.addKey(key, Buffer.from('new'), { kdf: CHEAP }),
    anyOf: ['first', 'new'],
    always: ['first', 'other'],
  },
  'adding a key in slot 6': {
    change: (volume, key) => volume.addKey(key, Buffer.from('new'), { kdf: CHEAP, slot: 6 }),
    anyOf: ['first', 'new'],
    always: ['first', 'other'],
  },
  'changing a key': {
    change: (volume) => volume.changeKey(FIRST, Buffer.from('new'), { kdf: CHEAP }),
    anyOf: ['first', 'new'],
    always: ['other'],
  },
  'removing a key': {
    change: (volume) => volume.removeKey(0),
    anyOf: ['other'],
    always: ['other'],
  },
};

async function opens(volume: LuksVolume, passphrase: string, volumeKey: Buffer): Promise<boolean> {
  const found = await volume.unlock({ passphrase: Buffer.from(passphrase) }).catch(() => undefined);
  // What opens at all must give the right key.
  if (found !== undefined) expect(found.volumeKey).toEqual(volumeKey);
  return found !== undefined;
}

describe.each([1, 2] as const)('a loss of power with LUKS%i', (version) => {
  it.each(Object.entries(CHANGES))('while %s leaves a header that opens', async (_name, crash) => {
    const { volume, buffer, storage } = await newVolume(version);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    await volume.addKey(volumeKey, Buffer.from('other'), { kdf: CHEAP });
    const start = Buffer.from(buffer);
    const { storage: recorded, epochs } = recorder(buffer, storage.bytes);
    await crash.change(await readLuks(recorded), volumeKey);
    expect(epochs().length).toBeGreaterThanOrEqual(2);
    let count = 0;
    const seen = new Set<string>();
    for (const state of states(start, epochs(), new Random(7))) {
      count++;
      // The header and the slots of before; whatever else a header refers to is as it will stay.
      const digest = hash('sha256', state.subarray(0, USED[version]));
      if (seen.has(digest)) continue;
      seen.add(digest);
      const left = await readLuks({ ...memoryStorage(state), bytes: storage.bytes });
      const some = await Promise.all(crash.anyOf.map((one) => opens(left, one, volumeKey)));
      expect(some, `state ${String(count)}`).toContain(true);
      for (const one of crash.always)
        expect(await opens(left, one, volumeKey), `state ${String(count)}`).toBe(true);
    }
    expect(count).toBeGreaterThanOrEqual(15);
    expect(seen.size).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ['whole', () => undefined],
    // It is the second copy then that must not be written over first.
    ['one whose first copy is broken', (buffer: Buffer) => version === 2 && (buffer[5000]! ^= 1)],
  ])('while a backup is restored over %s leaves a header that opens', async (_name, damage) => {
    const { volume, buffer, storage } = await newVolume(version);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    await volume.addKey(volumeKey, Buffer.from('other'), { kdf: CHEAP });
    const backup = await backupHeader(storage);
    await volume.changeKey(FIRST, Buffer.from('new'), { kdf: CHEAP });
    damage(buffer);
    const start = Buffer.from(buffer);
    const { storage: recorded, epochs } = recorder(buffer, storage.bytes);
    await restoreHeader(recorded, backup);
    let count = 0;
    for (const state of states(start, epochs(), new Random(7))) {
      count++;
      const left = await readLuks({ ...memoryStorage(state), bytes: storage.bytes });
      const some = await Promise.all(['first', 'new'].map((one) => opens(left, one, volumeKey)));
      expect(some, `state ${String(count)}`).toContain(true);
      expect(await opens(left, 'other', volumeKey), `state ${String(count)}`).toBe(true);
    }
    expect(count).toBeGreaterThanOrEqual(15);
    expect(buffer.subarray(0, backup.length).equals(backup)).toBe(true);
    expect(await opens(await readLuks(storage), 'new', volumeKey)).toBe(false);
  });

  it('while a broken copy is written again leaves a header that opens', async () => {
    if (version === 1) return;
    for (const damage of [5000, 16_384 + 5000]) {
      const { volume, buffer, storage } = await newVolume(version);
      const { volumeKey } = await volume.unlock({ passphrase: FIRST });
      buffer[damage]! ^= 1;
      const start = Buffer.from(buffer);
      const { storage: recorded, epochs } = recorder(buffer, storage.bytes);
      await (await readLuks(recorded)).repair();
      for (const state of states(start, epochs(), new Random(7))) {
        const left = await readLuks({ ...memoryStorage(state), bytes: storage.bytes });
        expect(await opens(left, 'first', volumeKey)).toBe(true);
      }
    }
  });
});
