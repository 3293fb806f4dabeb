import { STRIPES } from '../anti-forensic.ts';
import type { Kdf } from '../kdf.ts';
import type { Area } from '../volume.ts';
import type { JsonObject } from './json-text.ts';

/** What a key slot is made of. */
export interface SlotParts {
  readonly keyBytes: number;
  readonly area: Area;
  readonly encryption: string;
  readonly areaKeyBytes: number;
  readonly hash: string;
  readonly kdf: Kdf;
  readonly salt: Buffer;
}

/** A key slot as JSON. */
export function slotJson({
  keyBytes,
  area,
  encryption,
  areaKeyBytes,
  hash,
  kdf,
  salt,
}: SlotParts): JsonObject {
  return {
    type: 'luks2',
    key_size: keyBytes,
    af: { type: 'luks1', stripes: STRIPES, hash },
    area: {
      type: 'raw',
      offset: String(area.offset),
      size: String(area.size),
      encryption,
      key_size: areaKeyBytes,
    },
    kdf: { ...kdfJson(kdf), salt: salt.toString('base64') },
  };
}

/** Only what belongs to it: it comes from a caller. */
function kdfJson(kdf: Kdf): JsonObject {
  if (kdf.type === 'pbkdf2') return { type: kdf.type, hash: kdf.hash, iterations: kdf.iterations };
  return { type: kdf.type, time: kdf.time, memory: kdf.memory, cpus: kdf.cpus };
}

/** The metadata with a key slot put in or replaced; `digest` is the number of the one that confirms its key. */
export function withSlot(json: JsonObject, slot: number, value: JsonObject, digest: number): JsonObject {
  const changed = withoutSlot(json, slot, false);
  const digests = changed.digests as Readonly<Record<string, { readonly keyslots: readonly string[] }>>;
  const one = digests[String(digest)]!;
  return {
    ...changed,
    keyslots: { ...(changed.keyslots as JsonObject), [String(slot)]: value },
    digests: { ...digests, [String(digest)]: { ...one, keyslots: [...one.keyslots, String(slot)] } },
  };
}

/** The metadata without a key slot, and, unless it will be replaced, without any token's use of it. */
export function withoutSlot(json: JsonObject, slot: number, forGood: boolean): JsonObject {
  const name = String(slot);
  const keyslots = Object.fromEntries(
    Object.entries(json.keyslots as JsonObject).filter(([number]) => number !== name),
  );
  const digests = withoutReference(json.digests as Referring, name);
  const tokens = forGood ? withoutReference(json.tokens as Referring, name) : json.tokens;
  return { ...json, keyslots, digests: forGood ? usedDigests(digests) : digests, tokens };
}

type Referring = Readonly<Record<string, { readonly keyslots: readonly string[] }>>;

function withoutReference(objects: Referring, slot: string): Referring {
  return Object.fromEntries(
    Object.entries(objects).map(([number, object]) => [
      number,
      { ...object, keyslots: object.keyslots.filter((one) => one !== slot) },
    ]),
  );
}

/** A digest of a key that no slot holds and no segment uses is of no use, as cryptsetup sees it. */
function usedDigests(digests: Referring): Referring {
  return Object.fromEntries(
    Object.entries(digests).filter(([, digest]) => {
      const { keyslots, segments } = digest as { keyslots: readonly string[]; segments?: readonly string[] };
      return keyslots.length > 0 || (segments ?? []).length > 0;
    }),
  );
}
