import { isInterposerError } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { memoryStorage, readLuks } from '../src/index.ts';
import { FIRST, newVolume } from './support/volumes.ts';

const START = 4096;
/** A flipped bit in a number of iterations must not cost hours. */
const limits = { iterations: 20_000, memory: 1024, time: 10 };

/** What became of the volume with one byte of its start inverted. */
interface Fate {
  readonly opened: number;
  readonly refused: number;
  readonly wrong: readonly string[];
}

async function flipEach(buffer: Buffer, volumeKey: Buffer, mask: number): Promise<Fate> {
  const storage = { ...memoryStorage(buffer), bytes: 4 * 2 ** 20 };
  const sound = JSON.stringify((await readLuks(storage)).describe());
  let [opened, refused] = [0, 0];
  const wrong: string[] = [];
  for (let at = 0; at < START; at++) {
    buffer[at]! ^= mask;
    try {
      const volume = await readLuks(storage);
      // Where it reads as before it opens as before.
      const isSame = JSON.stringify(volume.describe()) === sound;
      const found = isSame ? volumeKey : (await volume.unlock({ passphrase: FIRST }, { limits })).volumeKey;
      if (found.equals(volumeKey)) opened++;
      else wrong.push(`byte ${String(at)}: another key`);
    } catch (error) {
      if (isInterposerError(error) && error.message.length > 10) refused++;
      else wrong.push(`byte ${String(at)}: ${String(error)}`);
    }
    buffer[at]! ^= mask;
  }
  return { opened, refused, wrong };
}

describe('with each byte of the first 4 KiB inverted, or a bit of it', () => {
  it.each([0xff, 0x01])('LUKS1 opens as before or says what is wrong: %i', async (mask) => {
    const { volume, buffer } = await newVolume(1);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    const { opened, refused, wrong } = await flipEach(buffer, volumeKey, mask);
    expect(wrong).toEqual([]);
    expect(opened).toBeGreaterThan(START - 592);
    // All fields but the UUID and the salts and iterations of slots that are not in use.
    expect(refused).toBeGreaterThan(200);
  });

  it('LUKS2 opens as before from the other copy', async () => {
    const { volume, buffer } = await newVolume(2);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    expect(await flipEach(buffer, volumeKey, 0xff)).toEqual({ opened: START, refused: 0, wrong: [] });
  });

  it('LUKS2 without its other copy says what is wrong', async () => {
    const { volume, buffer } = await newVolume(2);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    buffer.fill(0, 16_384, 32_768);
    expect(await flipEach(buffer, volumeKey, 0xff)).toEqual({ opened: 0, refused: START, wrong: [] });
  });
});

describe('a key area', () => {
  it.each([1, 2] as const)('of LUKS%i that is damaged anywhere opens no longer', async (version) => {
    const { buffer, storage } = await newVolume(version);
    const area = version === 1 ? 4096 : 32_768;
    for (let sector = 0; sector < 125; sector += 12) {
      buffer[area + sector * 512 + 17]! ^= 4;
      await expect((await readLuks(storage)).unlock({ passphrase: FIRST })).rejects.toMatchObject({
        code: 'EACCES',
      });
      buffer[area + sector * 512 + 17]! ^= 4;
    }
    expect((await (await readLuks(storage)).unlock({ passphrase: FIRST })).slot).toBe(0);
  });
});
