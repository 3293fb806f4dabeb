import { randomBytes } from 'node:crypto';
import { fail } from '@interposer/core';
import { deriveKey, type Kdf, type KdfLimits } from '../kdf.ts';
import { sealKey, stripesBytes, unsealKey } from '../key-area.ts';
import type { LuksStorage } from '../storage.ts';
import { isKeyOf } from '../verify.ts';
import { wiping } from '../wiping.ts';
import { findGap } from './areas.ts';
import type { Copy } from './copies.ts';
import { dataDigest } from './data-area.ts';
import type { JsonObject } from './json-text.ts';
import type { Area } from './keyslots.ts';
import type { Metadata } from './metadata.ts';
import { slotJson } from './slot-json.ts';

const SALT_BYTES = 32;

/** The key of the data from a key slot; undefined if the passphrase is another one. */
export async function openSlot(
  storage: LuksStorage,
  { keyslots, digests }: Metadata,
  slot: number,
  passphrase: Uint8Array,
  limits: KdfLimits,
): Promise<Buffer | undefined> {
  const { type, keyBytes, area, passphrase: parts } = keyslots.get(slot)!;
  if (parts === undefined) throw fail('ENOTSUP', `key slot ${String(slot)} is of the type ${type}`);
  const { encryption, areaKeyBytes, hash, kdf, salt } = parts;
  const digest = [...digests.values()].find(({ keyslots: of }) => of.includes(slot))!;
  if (digest.segments.length === 0) {
    throw fail('ENOTSUP', `key slot ${String(slot)} holds a key that is not the one of the data`);
  }
  const slotKey = await deriveKey(kdf, passphrase, salt, areaKeyBytes, limits);
  const key = await wiping(slotKey, async () => {
    const sealed = await storage.read(area.offset, stripesBytes(keyBytes));
    return unsealKey(sealed, keyBytes, { encryption, slotKey, hash });
  });
  if (await isKeyOf(key, digest, limits)) return key;
  key.fill(0);
  return undefined;
}

/** How a key slot is encrypted. */
export interface SlotShape {
  readonly encryption: string;
  readonly areaKeyBytes: number;
  /** Of the anti-forensic splitter. */
  readonly hash: string;
}

/** Where no other slot shows how. */
const USUAL_SHAPE: SlotShape = { encryption: 'aes-xts-plain64', areaKeyBytes: 64, hash: 'sha256' };

/** As another key slot of the data is. */
export function shapeOf(metadata: Metadata): SlotShape {
  const [slot] = dataDigest(metadata).digest.keyslots;
  return (slot === undefined ? undefined : metadata.keyslots.get(slot)!.passphrase) ?? USUAL_SHAPE;
}

/** What a key slot is to hold. */
export interface SlotContent {
  readonly kdf: Kdf;
  readonly volumeKey: Uint8Array;
  readonly passphrase: Uint8Array;
}

/** Writes a key into a gap between the areas, stable there before anything refers to it. Answers the key slot as JSON. */
export async function writeArea(
  storage: LuksStorage,
  { metadata, binary }: Pick<Copy, 'metadata' | 'binary'>,
  { encryption, areaKeyBytes, hash }: SlotShape,
  { kdf, volumeKey, passphrase }: SlotContent,
): Promise<JsonObject> {
  const area = findGap(metadata, binary.headerBytes, volumeKey.length);
  const salt = randomBytes(SALT_BYTES);
  const slotKey = await deriveKey(kdf, passphrase, salt, areaKeyBytes);
  const sealed = await wiping(slotKey, () => sealKey(volumeKey, { encryption, slotKey, hash }));
  await storage.write(area.offset, sealed);
  await storage.flush();
  return slotJson({ encryption, areaKeyBytes, hash, keyBytes: volumeKey.length, area, kdf, salt });
}

/** Overwrites an area with noise. */
export async function wipeArea(storage: LuksStorage, { offset, size }: Area): Promise<void> {
  await storage.write(offset, randomBytes(size));
  await storage.flush();
}
