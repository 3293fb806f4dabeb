import { STRIPES } from '../anti-forensic.ts';
import type { Kdf } from '../kdf.ts';
import { stripesBytes } from '../key-area.ts';
import { checkCipherText } from '../text-field.ts';
import type { Area } from '../volume.ts';
import type { Fields } from './fields.ts';

/** Bytes of an area are a multiple of it. */
export const AREA_ALIGNMENT = 4096;

/** What only key slots of the type `luks2` have. */
export interface PassphraseSlot {
  /** Of the area, as in a crypt table. */
  readonly encryption: string;
  /** Bytes of the key of that. */
  readonly areaKeyBytes: number;
  /** Of the anti-forensic splitter. */
  readonly hash: string;
  readonly kdf: Kdf;
  readonly salt: Buffer;
}

/** A key slot. */
export interface Keyslot {
  readonly type: string;
  /** Bytes of the key that it holds. */
  readonly keyBytes: number;
  readonly priority: 0 | 1 | 2;
  readonly area: Area;
  /** Absent with types that are not for passphrases, such as `reencrypt`. */
  readonly passphrase?: PassphraseSlot;
}

/** No cipher has a longer key. */
const MOST_KEY_BYTES = 512;

/** Reads a key slot; its place is checked where all of them are known. */
export function parseKeyslot(fields: Fields): Keyslot {
  const type = fields.word('type');
  const keyBytes = fields.number('key_size');
  const area = fields.object('area');
  area.word('type');
  const common = { type, keyBytes, priority: priorityOf(fields), area: parseArea(area) };
  if (type !== 'luks2') return common;
  if (keyBytes === 0 || keyBytes > MOST_KEY_BYTES) throw fields.wrong('key_size', `is ${String(keyBytes)}`);
  if (area.word('type') !== 'raw') throw area.wrong('type', 'is not raw');
  if (common.area.size < stripesBytes(keyBytes))
    throw area.wrong('size', 'is too small for the stripes of the key');
  return { ...common, passphrase: parsePassphrase(fields, area) };
}

const PRIORITIES = [0, 1, 2] as const;

function priorityOf(fields: Fields): Keyslot['priority'] {
  if (!fields.has('priority')) return 1;
  const told = fields.number('priority');
  const known = PRIORITIES.find((priority) => priority === told);
  if (known === undefined) throw fields.wrong('priority', 'is none of 0, 1 and 2');
  return known;
}

function parseArea(area: Fields): Area {
  const offset = area.bytes('offset');
  const size = area.bytes('size');
  if (offset % AREA_ALIGNMENT !== 0) throw area.wrong('offset', 'is no multiple of 4096');
  return { offset, size };
}

function parsePassphrase(fields: Fields, area: Fields): PassphraseSlot {
  const af = fields.object('af');
  if (af.word('type') !== 'luks1') throw af.wrong('type', 'is not luks1');
  if (af.number('stripes') !== STRIPES) throw af.wrong('stripes', `is not ${String(STRIPES)}`);
  const encryption = area.string('encryption');
  checkCipherText(encryption, `in its metadata ${area.where}.encryption`);
  const areaKeyBytes = area.number('key_size');
  if (areaKeyBytes === 0 || areaKeyBytes > MOST_KEY_BYTES) {
    throw area.wrong('key_size', `is ${String(areaKeyBytes)}`);
  }
  const kdf = fields.object('kdf');
  return { encryption, areaKeyBytes, hash: af.word('hash'), kdf: parseKdf(kdf), salt: kdf.base64('salt') };
}

/** Members of the other kind, which an old version of cryptsetup left when it changed the kind, mean nothing. */
function parseKdf(kdf: Fields): Kdf {
  const type = kdf.word('type');
  switch (type) {
    case 'pbkdf2':
      return { type, hash: kdf.word('hash'), iterations: kdf.number('iterations') };
    case 'argon2i':
    case 'argon2id':
      return { type, time: kdf.number('time'), memory: kdf.number('memory'), cpus: kdf.number('cpus') };
    default:
      throw kdf.wrong('type', `is ${JSON.stringify(type)}, not pbkdf2, argon2i or argon2id`);
  }
}
