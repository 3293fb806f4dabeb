import { fail, SECTOR_SIZE } from '@interposer/core';
import type { FormatPlan } from '../format.ts';
import { makeDigest } from '../make-digest.ts';
import { overwrite } from '../overwrite.ts';
import type { LuksStorage } from '../storage.ts';
import { PBKDF2_ITERATIONS } from '../kdf.ts';
import { areaSectors, emptySlot, encodeHeader, headerAndSlots, type Luks1Header, SLOTS } from './header.ts';
import { Luks1Volume } from './volume.ts';

const DIGEST_BYTES = 20;
/** Where the first key slot stands, and what each is rounded up to: cryptsetup's. */
const SLOT_ALIGNMENT = 4096;
/** The data begins at a multiple of it by default. */
const DATA_ALIGNMENT = 2 ** 20;

/** Makes a LUKS1 header with one key slot; see `formatLuks`. */
export async function formatLuks1(storage: LuksStorage, plan: FormatPlan): Promise<Luks1Volume> {
  const { hash, passphrase, volumeKey } = plan;
  const kdf = plan.kdf ?? { type: 'pbkdf2', hash, iterations: PBKDF2_ITERATIONS };
  refuseLuks2(plan, kdf.type);
  const header = await makeHeader(plan, storage.bytes);
  const end = headerAndSlots(header);
  await overwrite(storage, SLOT_ALIGNMENT, end);
  await storage.write(0, Buffer.alloc(SLOT_ALIGNMENT));
  await storage.flush();
  await storage.write(0, encodeHeader(header));
  await storage.flush();
  const volume = await Luks1Volume.read(storage);
  await volume.addKey(volumeKey, passphrase, { slot: 0, kdf });
  return volume;
}

function refuseLuks2(
  { label, subsystem, sectorSize, headerBytes, keyslotsBytes }: FormatPlan,
  kdf: string,
): void {
  if (kdf !== 'pbkdf2') throw fail('ENOTSUP', `LUKS1 has pbkdf2 only, not ${kdf}`);
  if (sectorSize !== undefined && sectorSize !== SECTOR_SIZE)
    throw fail('ENOTSUP', 'LUKS1 has sectors of 512 bytes only');
  const given = { label, subsystem, headerBytes, keyslotsBytes };
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) throw fail('ENOTSUP', `LUKS1 has no ${name}`);
  }
}

async function makeHeader(plan: FormatPlan, bytes: number): Promise<Luks1Header> {
  const { cipher, hash, volumeKey, uuid, digestIterations, detached, dataOffset } = plan;
  const dash = cipher.indexOf('-');
  const keyBytes = volumeKey.length;
  const perSlot = roundUp(areaSectors(keyBytes) * SECTOR_SIZE, SLOT_ALIGNMENT) / SECTOR_SIZE;
  const slots = Array.from({ length: SLOTS }, (_, slot) =>
    emptySlot({ material: SLOT_ALIGNMENT / SECTOR_SIZE + slot * perSlot }),
  );
  const bare = {
    cipherName: cipher.slice(0, dash),
    cipherMode: cipher.slice(dash + 1),
    hash,
    keyBytes,
    uuid,
    slots,
  };
  const digest = await makeDigest(volumeKey, hash, DIGEST_BYTES, digestIterations);
  const end = headerAndSlots({ ...bare, digest, payload: 0 });
  const offset = dataOffset ?? (detached === undefined ? roundUp(end, DATA_ALIGNMENT) : 0);
  // On a device of its own the data can begin at 0; elsewhere cryptsetup wants it behind the header all the same.
  const least = detached !== undefined && offset === 0 ? 0 : end;
  checkPlace(offset, least, detached?.dataBytes ?? bytes);
  if (end > bytes)
    throw fail('ENOSPC', `the header takes ${String(end)} bytes, the device has ${String(bytes)}`);
  return { ...bare, digest, payload: offset / SECTOR_SIZE };
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function checkPlace(offset: number, least: number, bytes: number): void {
  if (
    !Number.isSafeInteger(offset) ||
    offset < 0 ||
    offset % SECTOR_SIZE !== 0 ||
    offset / SECTOR_SIZE >= 2 ** 32
  ) {
    throw fail('EINVAL', `the data cannot begin at byte ${String(offset)}`);
  }
  if (offset < least) {
    throw fail(
      'EINVAL',
      `the data cannot begin at byte ${String(offset)}: the header takes ${String(least)} bytes`,
    );
  }
  if (offset + SECTOR_SIZE > bytes) {
    throw fail('ENOSPC', `no room for data behind byte ${String(offset)} of ${String(bytes)}`);
  }
}
