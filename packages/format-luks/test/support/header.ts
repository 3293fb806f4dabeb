import { hash } from 'node:crypto';
import { memoryStorage, type LuksStorage } from '../../src/index.ts';

const BINARY = 4096;
const CHECKSUM = 448;

/** A JSON object. */
export type Json = Record<string, unknown>;

/** Metadata such as cryptsetup writes, with two key slots, a token and a digest; for headers of 16 KiB. */
export function sampleJson(): Json {
  const slot = (offset: number, kdf: object): object => ({
    type: 'luks2',
    key_size: 64,
    af: { type: 'luks1', stripes: 4000, hash: 'sha256' },
    area: {
      type: 'raw',
      offset: String(offset),
      size: '258048',
      encryption: 'aes-xts-plain64',
      key_size: 64,
    },
    kdf: { ...kdf, salt: Buffer.alloc(32, 1).toString('base64') },
  });
  return {
    keyslots: {
      '0': slot(32768, { type: 'pbkdf2', hash: 'sha256', iterations: 1000 }),
      '1': slot(32768 + 258048, { type: 'argon2id', time: 4, memory: 1024, cpus: 2 }),
    },
    tokens: { '0': { type: 'luks2-keyring', keyslots: ['1'], key_description: 'my-key' } },
    segments: {
      '0': {
        type: 'crypt',
        offset: '16777216',
        size: 'dynamic',
        iv_tweak: '0',
        encryption: 'aes-xts-plain64',
        sector_size: 4096,
      },
    },
    digests: {
      '0': {
        type: 'pbkdf2',
        keyslots: ['0', '1'],
        segments: ['0'],
        hash: 'sha256',
        iterations: 1000,
        salt: Buffer.alloc(32, 2).toString('base64'),
        digest: Buffer.alloc(32, 3).toString('base64'),
      },
    },
    config: { json_size: '12288', keyslots_size: '16744448' },
  };
}

/** Parts of it. */
export const SEGMENT: Json = memberOf(sampleJson(), ['segments', '0']);
export const DIGEST: Json = memberOf(sampleJson(), ['digests', '0']);

function memberOf(json: Json, path: readonly string[]): Json {
  return path.reduce((object, name) => object[name] as Json, json);
}

/** Members by their path, such as `segments.0.size`; undefined: none. */
export type Edits = Readonly<Record<string, unknown>>;

/** The metadata with some members changed. */
export function edited(edits: Edits): Json {
  const json = sampleJson();
  for (const [path, value] of Object.entries(edits)) {
    const names = path.split('.');
    const parent = memberOf(json, names.slice(0, -1));
    // As the text of a header: what is undefined is not there.
    parent[names.at(-1)!] = value;
  }
  return JSON.parse(JSON.stringify(json)) as Json;
}

/** What a copy of a header is made of. */
export interface CopyParts {
  readonly role: 'primary' | 'secondary';
  readonly json: unknown;
  readonly headerBytes?: number;
  readonly sequence?: bigint;
}

/** A copy of a LUKS2 header, written here from the specification and not by the code under test. */
export function makeCopy({ role, json, headerBytes = 16_384, sequence = 3n }: CopyParts): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write(role === 'primary' ? 'LUKS\xba\xbe' : 'SKUL\xba\xbe', 'latin1');
  bytes.writeUInt16BE(2, 6);
  bytes.writeBigUInt64BE(BigInt(headerBytes), 8);
  bytes.writeBigUInt64BE(sequence, 16);
  bytes.write('sha256', 72);
  bytes.fill(role === 'primary' ? 5 : 6, 104, 168);
  bytes.write('69aa0a13-1a14-4cdf-9561-8069b3f41af9', 168);
  bytes.writeBigUInt64BE(role === 'primary' ? 0n : BigInt(headerBytes), 256);
  bytes.write(typeof json === 'string' ? json : JSON.stringify(json), BINARY);
  return withChecksum(bytes);
}

/** The copy with the checksum that is right for what stands in it. */
export function withChecksum(bytes: Buffer): Buffer {
  bytes.fill(0, CHECKSUM, CHECKSUM + 64);
  hash('sha256', bytes, 'buffer').copy(bytes, CHECKSUM);
  return bytes;
}

/** A device of 17 MiB with these copies; it takes no memory for the rest. */
export function deviceOf(primary: Buffer | undefined, secondary?: Buffer, bytes = 17 * 2 ** 20): LuksStorage {
  const start = Buffer.alloc(2 * 2 ** 22);
  primary?.copy(start);
  const at = secondary?.readBigUInt64BE(256);
  if (secondary !== undefined) secondary.copy(start, Number(at));
  return { ...memoryStorage(start), bytes };
}
