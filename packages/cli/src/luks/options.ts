import { fail, parseSize, SECTOR_SIZE } from '@interposer/core';
import type { FormatOptions, Kdf } from '@interposer/format-luks';
import type { Options } from '../command-line.ts';
import { countOption, sizeOption } from '../option-values.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { formatLuksPackage } from './package.ts';

/** Options of how a passphrase becomes a key. */
export const KDF_OPTIONS: readonly string[] = ['pbkdf', 'iterations', 'pbkdf-memory', 'pbkdf-parallel'];

/** Options of a new volume. */
export const FORMAT_OPTIONS: readonly string[] = [
  'type',
  'cipher',
  'key-size',
  'hash',
  'sector-size',
  'data-offset',
  'label',
  'uuid',
  ...KDF_OPTIONS,
];

/** The number of a key slot; undefined where none was given. */
export function slotOption(options: Options): number | undefined {
  return countOption(options, 'key-slot', 0);
}

/**
 * The key derivation that was asked for; undefined where nothing was. What is left out of it is the default, which for a
 * volume of LUKS1 is PBKDF2 with its own hash.
 */
export async function kdfOption(options: Options, version: 1 | 2, hash = 'sha256'): Promise<Kdf | undefined> {
  if (!KDF_OPTIONS.some((name) => options.has(name)) && version === 2) return undefined;
  const { defaultKdf, PBKDF2_ITERATIONS } = await formatLuksPackage();
  const usual = defaultKdf();
  const type = options.get('pbkdf') ?? (version === 1 ? 'pbkdf2' : usual.type);
  const iterations = countOption(options, 'iterations');
  const extra = ['pbkdf-memory', 'pbkdf-parallel'].find((name) => options.has(name));
  if (type === 'pbkdf2' && extra !== undefined)
    throw fail('EINVAL', `--${extra} is for argon2i and argon2id`);
  switch (type) {
    case 'pbkdf2':
      return { type, hash, iterations: iterations ?? PBKDF2_ITERATIONS };
    case 'argon2i':
    case 'argon2id':
      return {
        type,
        time: iterations ?? usual.time,
        memory: countOption(options, 'pbkdf-memory') ?? usual.memory,
        cpus: countOption(options, 'pbkdf-parallel') ?? usual.cpus,
      };
    default:
      throw fail('EINVAL', `--pbkdf ${type}: want pbkdf2, argon2i or argon2id`);
  }
}

/** What a new volume is to be, without its passphrase. */
export async function formatOptions(options: Options): Promise<Omit<FormatOptions, 'passphrase'>> {
  const version = versionOption(options.get('type') ?? 'luks2');
  const hash = options.get('hash');
  return withoutUndefined({
    version,
    cipher: options.get('cipher'),
    keyBytes: keySizeOption(options),
    hash,
    kdf: await kdfOption(options, version, hash),
    sectorSize: sizeOption(options, 'sector-size'),
    dataOffset: dataOffsetOption(options),
    label: options.get('label'),
    uuid: options.get('uuid'),
    overwrite: options.has('overwrite') ? true : undefined,
  });
}

function versionOption(text: string): 1 | 2 {
  if (text === 'luks1') return 1;
  if (text === 'luks2') return 2;
  throw fail('EINVAL', `--type ${text}: want luks1 or luks2`);
}

function keySizeOption(options: Options): number | undefined {
  const bits = countOption(options, 'key-size');
  if (bits === undefined || bits % 8 === 0) return bits === undefined ? undefined : bits / 8;
  throw fail('EINVAL', `--key-size ${String(bits)}: want bits, a multiple of 8`);
}

function dataOffsetOption(options: Options): number | undefined {
  const text = options.get('data-offset');
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (Number.isSafeInteger(bytes) && bytes % SECTOR_SIZE === 0) return bytes;
  throw fail('EINVAL', `--data-offset ${text}: want bytes, a multiple of 512, or 16M and the like`);
}
