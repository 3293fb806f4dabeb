import { fail, SECTOR_SIZE } from '@interposer/core';

/** Options that are nothing but a word, in the order in which the kernel shows those that are set. */
const FLAGS = [
  'allow_discards',
  'same_cpu_crypt',
  'high_priority',
  'submit_from_crypt_cpus',
  'no_read_workqueue',
  'no_write_workqueue',
] as const;
const LARGE_IVS = 'iv_large_sectors';
const INTEGRITY = 'integrity';
const MAC_KEY_SIZE = 'integrity_key_size';

/** The kernel's bound for the number of options. */
const MOST_OPTIONS = 9;

/** The most bytes of integrity data for a sector. */
const MAX_TAG_SIZE = 480;

const SECTOR_SIZE_OPTION = 'sector_size';
const LARGEST_SECTOR = 4096;

/** The most bytes of a key for authentication: as large as the number of the kernel. */
const LARGEST_MAC_KEY = 2 ** 32 - 1;

/** What `integrity:<bytes>:aead|none` asks for: so many bytes beside each sector, and whether the cipher makes tags. */
export interface Integrity {
  readonly bytes: number;
  readonly aead: boolean;
}

/** The options of a table line. */
export interface CryptOptions {
  readonly allowDiscards: boolean;
  /** In bytes. */
  readonly sectorSize: number;
  readonly ivLargeSectors: boolean;
  readonly integrity: Integrity | undefined;
  /** Bytes of the key for authentication; undefined: as many as its digest has. */
  readonly macKeySize: number | undefined;
  /** As the kernel shows them, with their number in front; empty where there is none. */
  readonly text: string;
}

/** Reads `[<count> <option>...]`; words behind the counted ones are ignored, as in the kernel. Kernel: crypt_ctr_optional. */
export function parseOptions(words: readonly string[], sectors: number): CryptOptions {
  const flags = new Set<string>();
  const values = new Map<string, number>();
  let integrity: Integrity | undefined;
  for (const word of countedWords(words)) {
    const flag = word.toLowerCase();
    const [, name, digits, profile] = /^(\w+):(\d+)(?::(.*))?$/.exec(word) ?? [];
    if (flag === LARGE_IVS || (FLAGS as readonly string[]).includes(flag)) flags.add(flag);
    else if (name === INTEGRITY) integrity = readIntegrity(word, Number(digits), profile);
    else if (profile === undefined && name === SECTOR_SIZE_OPTION)
      values.set(name, sectorSizeOf(digits!, sectors));
    else if (profile === undefined && name === MAC_KEY_SIZE) values.set(name, macKeySizeOf(digits!));
    else throw fail('EINVAL', `Invalid feature arguments: "${word}" is not one of ${allOptions()}`);
  }
  return {
    allowDiscards: flags.has('allow_discards'),
    sectorSize: values.get(SECTOR_SIZE_OPTION) ?? SECTOR_SIZE,
    ivLargeSectors: flags.has(LARGE_IVS),
    integrity,
    macKeySize: values.get(MAC_KEY_SIZE),
    text: optionsText(flags, values, integrity),
  };
}

function countedWords([count, ...options]: readonly string[]): readonly string[] {
  if (count === undefined) return [];
  const wanted = /^\d+$/.test(count) ? Number(count) : NaN;
  if (wanted <= Math.min(MOST_OPTIONS, options.length)) return options.slice(0, wanted);
  throw fail(
    'EINVAL',
    `Invalid number of feature args: "${count}", of which there are ${String(options.length)}; at most ${String(MOST_OPTIONS)}`,
  );
}

function sectorSizeOf(digits: string, sectors: number): number {
  const size = Number(digits);
  if (!(size >= SECTOR_SIZE && size <= LARGEST_SECTOR && (size & (size - 1)) === 0)) {
    throw fail(
      'EINVAL',
      `Invalid feature value for sector_size: ${digits} is not one of 512, 1024, 2048, 4096`,
    );
  }
  if ((sectors * SECTOR_SIZE) % size !== 0) {
    throw fail(
      'EINVAL',
      `Device size is not multiple of sector_size feature: ${String(sectors)} sectors of 512 bytes`,
    );
  }
  return size;
}

function macKeySizeOf(digits: string): number {
  const size = Number(digits);
  if (size > 0 && size <= LARGEST_MAC_KEY) return size;
  throw fail(
    'EINVAL',
    `Invalid integrity_key_size argument: ${digits} is not in 1..${String(LARGEST_MAC_KEY)}`,
  );
}

function readIntegrity(word: string, bytes: number, profile: string | undefined): Integrity {
  if (profile === undefined || bytes === 0 || bytes > MAX_TAG_SIZE) {
    throw fail(
      'EINVAL',
      `Invalid integrity arguments: "${word}" is not integrity:<bytes>:aead|none, with at most ${String(MAX_TAG_SIZE)} bytes`,
    );
  }
  if (!/^(aead|none)$/i.test(profile)) {
    throw fail('EINVAL', `Unknown integrity profile: "${profile}" is neither aead nor none`);
  }
  return { bytes, aead: profile.toLowerCase() === 'aead' };
}

function allOptions(): string {
  return [...FLAGS, `${SECTOR_SIZE_OPTION}:<bytes>`, LARGE_IVS, `${INTEGRITY}:<bytes>:aead|none`].join(', ');
}

function optionsText(
  flags: ReadonlySet<string>,
  values: ReadonlyMap<string, number>,
  integrity: Integrity | undefined,
): string {
  const sectorSize = values.get(SECTOR_SIZE_OPTION) ?? SECTOR_SIZE;
  const macKeySize = values.get(MAC_KEY_SIZE);
  const shown = [
    ...FLAGS.filter((flag) => flags.has(flag)),
    ...(integrity === undefined
      ? []
      : [`${INTEGRITY}:${String(integrity.bytes)}:${integrity.aead ? 'aead' : 'none'}`]),
    ...(sectorSize === SECTOR_SIZE ? [] : [`${SECTOR_SIZE_OPTION}:${String(sectorSize)}`]),
    ...(flags.has(LARGE_IVS) ? [LARGE_IVS] : []),
    ...(macKeySize === undefined ? [] : [`${MAC_KEY_SIZE}:${String(macKeySize)}`]),
  ];
  return shown.length === 0 ? '' : [String(shown.length), ...shown].join(' ');
}
