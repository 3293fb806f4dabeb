import { randomBytes } from 'node:crypto';
import { fail, SECTOR_SIZE } from '@interposer/core';
import {
  deriveKey,
  type Kdf,
  type KdfLimits,
  LEAST_ITERATIONS,
  type Pbkdf2,
  PBKDF2_ITERATIONS,
} from '../kdf.ts';
import { checkArea, sealKey, unsealKey } from '../key-area.ts';
import type { LuksStorage } from '../storage.ts';
import { confirmed } from '../verify.ts';
import { wiping } from '../wiping.ts';
import { areaSectors, cipherOf, type Luks1Header, type Luks1Slot } from './header.ts';

const SALT_BYTES = 32;

/** The key of the data from a key slot; undefined if the passphrase is another one. */
export async function openSlot(
  storage: LuksStorage,
  header: Luks1Header,
  slot: number,
  passphrase: Uint8Array,
  limits: KdfLimits,
): Promise<Buffer | undefined> {
  const { hash, keyBytes, digest, slots } = header;
  const { iterations, salt, material } = slots[slot]!;
  const encryption = cipherOf(header);
  checkArea(encryption, keyBytes, hash);
  const slotKey = await deriveKey({ type: 'pbkdf2', hash, iterations }, passphrase, salt, keyBytes, limits);
  const key = await wiping(slotKey, async () => {
    const sealed = await storage.read(material * SECTOR_SIZE, areaSectors(keyBytes) * SECTOR_SIZE);
    return unsealKey(sealed, keyBytes, { encryption, slotKey, hash });
  });
  return confirmed(key, digest, limits);
}

/** What a new key slot costs. The hash is the one of the header, which has no place for another. */
export function newKdf({ hash }: Luks1Header, kdf: Kdf | undefined): Pbkdf2 {
  const wanted = kdf ?? { type: 'pbkdf2', hash, iterations: PBKDF2_ITERATIONS };
  if (wanted.type !== 'pbkdf2') throw fail('ENOTSUP', `LUKS1 has pbkdf2 only, not ${wanted.type}`);
  if (wanted.hash !== hash)
    throw fail('EINVAL', `the hash of this LUKS1 header is ${hash}, not ${wanted.hash}`);
  if (wanted.iterations >= LEAST_ITERATIONS) return wanted;
  throw fail(
    'EINVAL',
    `${String(wanted.iterations)} iterations: at least ${String(LEAST_ITERATIONS)} are allowed`,
  );
}

/** A key slot that is not on the disk yet, and what it is to hold. */
export interface NewSlot {
  readonly slot: Luks1Slot;
  readonly sealed: Buffer;
}

/** Makes a key slot for the place of one that is not in use. It takes its time; nothing is written. */
export async function makeSlot(
  header: Luks1Header,
  slot: number,
  { iterations }: Pbkdf2,
  { volumeKey, passphrase }: { readonly volumeKey: Uint8Array; readonly passphrase: Uint8Array },
): Promise<NewSlot> {
  const { keyBytes, hash, slots } = header;
  const encryption = cipherOf(header);
  checkArea(encryption, keyBytes, hash);
  const salt = randomBytes(SALT_BYTES);
  const slotKey = await deriveKey({ type: 'pbkdf2', hash, iterations }, passphrase, salt, keyBytes);
  const sealed = await wiping(slotKey, () => sealKey(volumeKey, { encryption, slotKey, hash }));
  return { slot: { enabled: true, iterations, salt, material: slots[slot]!.material }, sealed };
}
