import { randomBytes } from 'node:crypto';
import { fail } from '@interposer/core';
import { hashOf } from '../hashes.ts';
import { deriveKey, type Kdf, type KdfLimits } from '../kdf.ts';
import { checkArea, sealKey, stripesBytes, unsealKey } from '../key-area.ts';
import { overwrite } from '../overwrite.ts';
import type { LuksStorage } from '../storage.ts';
import { printable } from '../text-field.ts';
import { confirmed } from '../verify.ts';
import type { Area } from '../volume.ts';
import { wiping } from '../wiping.ts';
import { findGap } from './areas.ts';
import type { Copy } from './copies.ts';
import { dataDigest } from './data-area.ts';
import type { JsonObject } from './json-text.ts';
import type { Metadata } from './metadata.ts';
import { slotJson } from './slot-json.ts';

const SALT_BYTES = 32;

/** The key of the data from a key slot; undefined if the passphrase is another one. */
export async function openSlot(
  storage: LuksStorage,
  metadata: Metadata,
  slot: number,
  passphrase: Uint8Array,
  limits: KdfLimits,
): Promise<Buffer | undefined> {
  const { type, keyBytes, area, passphrase: parts } = metadata.keyslots.get(slot)!;
  if (parts === undefined) {
    throw fail('ENOTSUP', printable(`key slot ${String(slot)} is of the type ${JSON.stringify(type)}`));
  }
  const { encryption, areaKeyBytes, hash, kdf, salt } = parts;
  const { digest } = dataDigest(metadata);
  if (!digest.keyslots.includes(slot)) {
    throw fail('ENOTSUP', `key slot ${String(slot)} holds a key that is not the one of the data`);
  }
  hashOf(digest.hash);
  checkArea(encryption, areaKeyBytes, hash);
  const slotKey = await deriveKey(kdf, passphrase, salt, areaKeyBytes, limits);
  const key = await wiping(slotKey, async () => {
    const sealed = await storage.read(area.offset, stripesBytes(keyBytes));
    return unsealKey(sealed, keyBytes, { encryption, slotKey, hash });
  });
  return confirmed(key, digest, limits);
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

/** A key slot that is not on the disk yet. */
export interface NewSlot {
  readonly area: Area;
  /** What is to stand there. */
  readonly sealed: Buffer;
  readonly json: JsonObject;
}

/** Makes a key slot for a gap between the areas. It takes its time; nothing is written. ENOSPC if there is no gap. */
export async function makeSlot(
  { metadata, binary }: Pick<Copy, 'metadata' | 'binary'>,
  { encryption, areaKeyBytes, hash }: SlotShape,
  { kdf, volumeKey, passphrase }: SlotContent,
): Promise<NewSlot> {
  checkArea(encryption, areaKeyBytes, hash);
  const area = findGap(metadata, binary.headerBytes, volumeKey.length);
  const salt = randomBytes(SALT_BYTES);
  const slotKey = await deriveKey(kdf, passphrase, salt, areaKeyBytes);
  const sealed = await wiping(slotKey, () => sealKey(volumeKey, { encryption, slotKey, hash }));
  const keyBytes = volumeKey.length;
  const json = slotJson({ encryption, areaKeyBytes, hash, keyBytes, area, kdf, salt });
  return { area, sealed, json };
}

/** Writes what a key slot holds. It is stable before anything refers to it. */
export async function writeArea(storage: LuksStorage, { area, sealed }: NewSlot): Promise<void> {
  await storage.write(area.offset, sealed);
  await storage.flush();
}

/** EBUSY unless what a key slot holds is there still: only then the one that it replaces may go. */
export async function checkWritten(storage: LuksStorage, { area, sealed }: NewSlot): Promise<void> {
  if ((await storage.read(area.offset, sealed.length)).equals(sealed)) return;
  throw fail('EBUSY', 'somebody else wrote over the new key slot at the same time');
}

/** Overwrites an area with noise. */
export async function wipeArea(storage: LuksStorage, { offset, size }: Area): Promise<void> {
  await overwrite(storage, offset, offset + size);
  await storage.flush();
}
