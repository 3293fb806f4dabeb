import type { Kdf, KdfLimits } from './kdf.ts';

/** What opens a volume: a passphrase, or the volume key itself. */
export type Secret = { readonly passphrase: Uint8Array } | { readonly volumeKey: Uint8Array };

/** How to look for the key slot of a passphrase. */
export interface UnlockOptions {
  /** This key slot only; by default each that is not to be ignored, those to be preferred first. */
  readonly slot?: number;
  /** What a key slot may cost. */
  readonly limits?: KdfLimits;
}

/** A volume key that its digest confirmed. */
export interface Unlocked {
  /** Whoever asked for it wipes it. */
  readonly volumeKey: Buffer;
  /** The key slot that gave it; absent where the volume key itself was given. */
  readonly slot?: number;
}

/** How to make a key slot. */
export interface NewSlotOptions {
  /** Its number; the lowest that is free by default. */
  readonly slot?: number;
  /** How passphrases become keys; PBKDF2 only for LUKS1. */
  readonly kdf?: Kdf;
}

/** How to replace a key slot. */
export interface ChangeOptions {
  /** The slot of the old passphrase, if it is known. */
  readonly slot?: number;
  readonly kdf?: Kdf;
  readonly limits?: KdfLimits;
}

/** A key slot that is in use. */
export interface SlotInfo {
  readonly slot: number;
  /** `luks1`, `luks2`, or what else a LUKS2 header has, such as `reencrypt`. */
  readonly type: string;
  /** Bytes of the key in it. */
  readonly keyBytes: number;
  readonly kdf?: Kdf;
  readonly priority: 'ignore' | 'normal' | 'prefer';
  /** Whether its key is the one of the data; that of another one is for nothing that is known here. */
  readonly opensData: boolean;
}

/** Where the data is, and how it is encrypted. */
export interface DataArea {
  /** As in a crypt table, e.g. `aes-xts-plain64`. */
  readonly cipher: string;
  readonly keyBytes: number;
  /** Bytes; 0 with a detached header that leaves nothing out. */
  readonly offset: number;
  /** Bytes; absent: up to the end of the device. */
  readonly bytes?: number;
  /** Bytes of a sector of the cipher. */
  readonly sectorSize: number;
  /** What is added to a sector number to make the IV, in units of 512 bytes. */
  readonly ivOffset: number;
  /** Options of the crypt table that the header asks for, e.g. `allow_discards`. */
  readonly options: readonly string[];
}

/** A token of LUKS2: where a passphrase can be had. */
export interface TokenInfo {
  readonly token: number;
  readonly type: string;
  readonly slots: readonly number[];
  /** What else stands in it, as JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A LUKS header that was read, and what can be done with it. Each change is on stable storage when its promise resolves. */
export interface LuksVolume {
  readonly version: 1 | 2;
  readonly uuid: string;
  /** Of LUKS2; empty where there is none. */
  readonly label: string;
  /** Bytes from the start of the device that hold the header and the key slots. */
  readonly headerBytes: number;
  readonly slots: readonly SlotInfo[];
  readonly tokens: readonly TokenInfo[];
  /** What was wrong with it though it could be read: a broken copy. It is written again with the next change. */
  readonly damage: string | undefined;
  /** What stands in the header, as `interposer luks dump` prints it. Nothing in it is secret. */
  dump(): string;
  /** The same as data for programs. */
  describe(): Readonly<Record<string, unknown>>;
  /** ENOTSUP if data of this kind cannot be opened: authenticated, being reencrypted, in several segments. */
  data(): DataArea;
  /** EACCES if nothing fits; as `checkKdf` if no key slot can be tried. A key that is not confirmed is never answered. */
  unlock(secret: Secret, options?: UnlockOptions): Promise<Unlocked>;
  /** Makes a key slot for a passphrase with the volume key, and answers its number. EEXIST, ENOSPC. */
  addKey(volumeKey: Uint8Array, passphrase: Uint8Array, options?: NewSlotOptions): Promise<number>;
  /**
   * Replaces the passphrase of the key slot that it opens, and answers the number of the new slot. The new one is complete
   * before the old one goes: ENOSPC if there is no room for both.
   */
  changeKey(passphrase: Uint8Array, next: Uint8Array, options?: ChangeOptions): Promise<number>;
  /** Overwrites a key slot. EBUSY for the last one that opens the data, unless `last` is set; ENOENT if it is not in use. */
  removeKey(slot: number, options?: { readonly last?: boolean }): Promise<void>;
  /** Writes what is damaged again. */
  repair(): Promise<void>;
}

/** A stretch of a device. Bytes. */
export interface Area {
  readonly offset: number;
  readonly size: number;
}

/** A volume with what a header is restored by. */
export interface HeaderVolume extends LuksVolume {
  /** Of the header itself, in the order in which they may be replaced: what is read now comes last. */
  readonly headerParts: readonly Area[];
  /** Where the key slots in use keep what they hold. */
  readonly areas: readonly Area[];
}
