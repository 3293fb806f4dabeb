import {
  type CipherSpec,
  openSectorCipher,
  openTaggedCipher,
  parseCipherSpec,
  type SectorCipher,
  type TaggedCipher,
} from '@interposer/block-cipher';
import {
  type Area,
  type Bio,
  BioOp,
  fail,
  type KeySource,
  type Limits,
  type MapResult,
  opSet,
  type Port,
  SECTOR_SIZE,
  type Target,
  type TargetContext,
} from '@interposer/core';
import { CryptPath } from './crypt-path.ts';
import { type CryptOptions, parseOptions } from './options.ts';
import type { SharedPool } from './shared-pool.ts';
import { TaggedPath } from './tagged-path.ts';
import { keySizeOf, VolumeKey } from './volume-key.ts';

/** Sectors that are ciphered at a time: bounds the memory of a request, and lets several threads work on it. */
const MAX_IO = 2048;

/** What the parser makes of a line's arguments. */
export interface CryptArgs {
  readonly cipher: string;
  readonly key: string;
  readonly iv_offset: number;
  readonly device: Port;
  readonly offset: number;
  readonly options: readonly string[];
}

/** What the targets of one type share. */
export interface CryptContext {
  readonly keyRing: KeySource;
  readonly pool: SharedPool;
}

/** Everything under a key, as the kernel's dm-crypt does it. Kernel: dm-crypt.c. */
export class Crypt implements Target {
  readonly maxIo: number = MAX_IO;
  readonly discardCopies: number;
  readonly #sectors: number;
  readonly #port: Port;
  readonly #offset: number;
  readonly #ivOffset: number;
  readonly #spec: CipherSpec;
  readonly #options: CryptOptions;
  readonly #context: CryptContext;
  readonly #path: CryptPath | TaggedPath;
  #key: VolumeKey;
  /** False from a wipe to the next key. */
  #hasKey = true;
  #isSuspended = false;

  /** `<cipher> <key> <iv_offset> <device> <offset> [<options> <option>...]` */
  constructor({ begin, sectors, log }: TargetContext, args: CryptArgs, context: CryptContext) {
    const { device, offset } = args;
    this.#sectors = sectors;
    this.#port = device;
    this.#offset = offset;
    this.#ivOffset = args.iv_offset;
    this.#context = context;
    keySizeOf(args.key);
    this.#options = parseOptions(args.options, sectors);
    this.discardCopies = this.#options.allowDiscards ? 1 : 0;
    checkBegin(begin, this.#options.sectorSize);
    checkIvOffset(args.iv_offset, sectors, this.#options.sectorSize);
    checkOffset(device, offset, this.#options.sectorSize);
    this.#spec = parseCipherSpec(args.cipher, { aead: this.#options.integrity?.aead ?? false });
    checkIntegrity(device, this.#spec, this.#options);
    this.#key = VolumeKey.read(args.key, context.keyRing);
    const cipher = this.#openCipher(this.#key);
    const place = { begin, port: device, offset };
    this.#path =
      'tupleSize' in cipher
        ? new TaggedPath(place, cipher, context.pool.acquire(), log)
        : new CryptPath(place, cipher, context.pool.acquire());
  }

  map(bio: Bio): MapResult {
    return this.#path.map(bio);
  }

  areas(): readonly Area[] {
    return [{ port: this.#port, start: this.#offset, count: this.#sectors }];
  }

  /** Kernel: crypt_io_hints. */
  limits(stacked: Limits): Limits {
    const { sectorSize, allowDiscards } = this.#options;
    const { discardGranularity } = stacked;
    return {
      ...stacked,
      logicalBlock: Math.max(stacked.logicalBlock, sectorSize),
      physicalBlock: Math.max(stacked.physicalBlock, sectorSize),
      ioMin: Math.max(stacked.ioMin, sectorSize),
      ops: allowDiscards ? stacked.ops : stacked.ops & ~opSet(BioOp.Discard),
      discardGranularity:
        allowDiscards && discardGranularity > 0 ? Math.max(discardGranularity, sectorSize) : 0,
      integrity: 0,
    };
  }

  table(showKeys: boolean): string {
    const { text } = this.#options;
    const place = `${String(this.#ivOffset)} ${this.#port.device.number} ${String(this.#offset)}`;
    return `${this.#spec.text} ${this.#key.text(showKeys)} ${place}${text === '' ? '' : ` ${text}`}`;
  }

  /** `key set <key>` and `key wipe`. Kernel: crypt_message. */
  message(words: readonly string[]): string {
    const [first, verb = '', key] = words.map((word, index) => (index < 2 ? word.toLowerCase() : word));
    if (words.length < 2 || first !== 'key') throw unknownMessage();
    if (!this.#isSuspended) throw fail('EINVAL', 'not suspended during key manipulation');
    if (verb === 'set' && words.length === 3) this.#setKey(key!);
    else if (verb === 'wipe' && words.length === 2) this.#wipe();
    else throw unknownMessage();
    return '';
  }

  postsuspend(): void {
    this.#isSuspended = true;
  }

  preresume(): void {
    if (!this.#hasKey) throw fail('EAGAIN', 'aborting resume - crypt key is not set.');
  }

  resume(): void {
    this.#isSuspended = false;
  }

  async close(): Promise<void> {
    this.#wipe();
    await this.#context.pool.release();
  }

  /** A key that is refused leaves the one there is in use. */
  #setKey(word: string): void {
    const size = keySizeOf(word);
    if (size !== this.#key.size) {
      throw fail(
        'EINVAL',
        `the key has ${String(this.#key.size)} bytes, and cannot have ${String(size)} now`,
      );
    }
    const key = VolumeKey.read(word, this.#context.keyRing);
    const cipher = this.#openCipher(key);
    this.#wipe();
    this.#key = key;
    this.#use(cipher);
    this.#hasKey = true;
  }

  /** The spec tells which of the two it is. */
  #use(cipher: SectorCipher | TaggedCipher): void {
    this.#path.cipher = cipher;
  }

  #openCipher(key: VolumeKey): SectorCipher | TaggedCipher {
    const { sectorSize, ivLargeSectors, integrity, macKeySize } = this.#options;
    const options = { sectorSize, ivLargeSectors, ivOffset: this.#ivOffset };
    try {
      const cipher = this.#spec.tagged
        ? openTaggedCipher(this.#spec, key.bytes, {
            ...options,
            tupleSize: integrity?.bytes ?? 0,
            macKeySize,
          })
        : openSectorCipher(this.#spec, key.bytes, options);
      key.forgetReferenced();
      return cipher;
    } catch (error) {
      key.wipe();
      throw error;
    }
  }

  #wipe(): void {
    this.#hasKey = false;
    this.#path.cipher.wipe();
    this.#key.wipe();
  }
}

/** Requests come in multiples of the sector size of the whole device, not of the row. */
function checkBegin(begin: number, sectorSize: number): void {
  if ((begin * SECTOR_SIZE) % sectorSize === 0) return;
  throw fail(
    'EINVAL',
    `Row start is not multiple of sector_size feature: it begins at sector ${String(begin)}`,
  );
}

/** The number of the last sector for its IV must be one, too. */
function checkIvOffset(ivOffset: number, sectors: number, sectorSize: number): void {
  const isAligned = (ivOffset * SECTOR_SIZE) % sectorSize === 0;
  if (isAligned && Number.isSafeInteger(ivOffset + sectors)) return;
  throw fail(
    'EINVAL',
    `Invalid iv_offset sector: ${String(ivOffset)} is not a multiple of sector_size, or the last sector would be beyond 2^53-1`,
  );
}

/** A sector lies in whole blocks of what is below, as large as itself. Kernel: device_area_is_invalid. */
function checkOffset({ device }: Port, offset: number, sectorSize: number): void {
  if ((offset * SECTOR_SIZE) % sectorSize === 0) return;
  throw fail(
    'EINVAL',
    `start=${String(offset)} not aligned to h/w logical block size ${String(sectorSize)} of ${device.name}`,
  );
}

/** Tags and IVs need room beside the sectors of the device below. Kernel: crypt_integrity_ctr. */
function checkIntegrity(
  { limits, device }: Port,
  spec: CipherSpec,
  { integrity, sectorSize }: CryptOptions,
): void {
  if (!spec.tagged) return;
  if (integrity === undefined) {
    throw fail('EINVAL', `Integrity profile not supported. ${spec.text} needs integrity:<bytes>:aead|none`);
  }
  if (limits.integrity === 0) {
    throw fail(
      'EINVAL',
      `Integrity profile not supported. ${device.name} keeps nothing beside its sectors: use an integrity device`,
    );
  }
  if (limits.integrity < integrity.bytes) {
    throw fail(
      'EINVAL',
      `Integrity profile tag size mismatch. ${device.name} keeps ${String(limits.integrity)} bytes beside each sector, not ${String(integrity.bytes)}`,
    );
  }
  if (limits.logicalBlock !== sectorSize) {
    throw fail(
      'EINVAL',
      `Integrity profile sector size mismatch. That of ${device.name} is ${String(limits.logicalBlock)}, not ${String(sectorSize)}`,
    );
  }
}

function unknownMessage(): Error {
  return fail('EINVAL', 'unrecognised message received: it is neither key set <key> nor key wipe');
}
