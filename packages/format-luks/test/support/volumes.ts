import {
  formatLuks,
  type FormatOptions,
  type LuksStorage,
  type LuksVolume,
  memoryStorage,
} from '../../src/index.ts';

/** The passphrase of new volumes. */
export const FIRST: Buffer = Buffer.from('first');

/** As cheap as it can be written. */
export const CHEAP = { type: 'pbkdf2', hash: 'sha1', iterations: 1000 } as const;

/** Small and quick to open: a short key, a short hash, room for three key slots beside the first. */
const SMALL = {
  1: { version: 1 },
  2: { version: 2, keyslotsBytes: 4 * 65_536 },
} as const;

/** A new volume in memory; the rest of the device is there but cannot be touched. */
export async function newVolume(
  version: 1 | 2,
  options: Partial<FormatOptions> = {},
): Promise<{ volume: LuksVolume; buffer: Buffer; storage: LuksStorage }> {
  const buffer = Buffer.alloc(2 ** 20);
  const storage = { ...memoryStorage(buffer), bytes: 4 * 2 ** 20 };
  const volume = await formatLuks(storage, {
    passphrase: FIRST,
    cipher: 'aes-cbc-essiv:sha256',
    keyBytes: 16,
    hash: 'sha1',
    kdf: CHEAP,
    digestIterations: 1000,
    ...SMALL[version],
    ...options,
  });
  return { volume, buffer, storage };
}
