import { randomBytes } from 'node:crypto';
import { fail, SECTOR_SIZE } from '@interposer/core';
import { exclusively } from '../exclusively.ts';
import type { KdfLimits, Pbkdf2 } from '../kdf.ts';
import type { LuksStorage } from '../storage.ts';
import { isKeyOf, tryEach } from '../verify.ts';
import { wiping } from '../wiping.ts';
import type {
  Area,
  ChangeOptions,
  DataArea,
  HeaderVolume,
  LuksVolume,
  NewSlotOptions,
  Secret,
  SlotInfo,
  Unlocked,
  UnlockOptions,
} from '../volume.ts';
import { describeHeader, dumpHeader } from './dump.ts';
import {
  areaSectors,
  cipherOf,
  emptySlot,
  encodeHeader,
  HEADER_BYTES,
  headerAndSlots,
  type Luks1Header,
  type Luks1Slot,
  parseHeader,
  SLOTS,
} from './header.ts';
import { makeSlot, newKdf, type NewSlot, openSlot } from './slots.ts';

/** As in `#writeSlots`. */
const HEADER_PARTS: readonly Area[] = [
  { offset: SECTOR_SIZE, size: HEADER_BYTES - SECTOR_SIZE },
  { offset: 0, size: SECTOR_SIZE },
];

/** A LUKS1 header on a storage. */
export class Luks1Volume implements HeaderVolume {
  readonly version = 1;
  readonly label: string = '';
  readonly tokens: LuksVolume['tokens'] = [];
  readonly damage: string | undefined = undefined;
  readonly #storage: LuksStorage;
  #header: Luks1Header;
  /** What it was read from, or written last. */
  #bytes: Buffer;

  private constructor(storage: LuksStorage, bytes: Buffer) {
    this.#storage = storage;
    this.#bytes = bytes;
    this.#header = parseHeader(bytes);
  }

  /** As `parseHeader`; ENOSPC if the storage is too small. */
  static async read(storage: LuksStorage): Promise<Luks1Volume> {
    return new Luks1Volume(storage, await storage.read(0, HEADER_BYTES));
  }

  get uuid(): string {
    return this.#header.uuid;
  }

  get headerBytes(): number {
    return headerAndSlots(this.#header);
  }

  get slots(): readonly SlotInfo[] {
    const { slots, keyBytes, hash } = this.#header;
    return slots.flatMap(({ enabled, iterations }, slot) => {
      const kdf: Pbkdf2 = { type: 'pbkdf2', hash, iterations };
      return enabled ? [{ slot, type: 'luks1', keyBytes, kdf, priority: 'normal', opensData: true }] : [];
    });
  }

  get headerParts(): readonly Area[] {
    return HEADER_PARTS;
  }

  get areas(): readonly Area[] {
    const size = areaSectors(this.#header.keyBytes) * SECTOR_SIZE;
    return this.slots.map(({ slot }) => ({
      offset: this.#header.slots[slot]!.material * SECTOR_SIZE,
      size,
    }));
  }

  dump(): string {
    return dumpHeader(this.#header);
  }

  describe(): Readonly<Record<string, unknown>> {
    return describeHeader(this.#header);
  }

  data(): DataArea {
    const { keyBytes, payload } = this.#header;
    return {
      cipher: cipherOf(this.#header),
      keyBytes,
      offset: payload * SECTOR_SIZE,
      sectorSize: SECTOR_SIZE,
      ivOffset: 0,
      options: [],
    };
  }

  async unlock(secret: Secret, { slot, limits = {} }: UnlockOptions = {}): Promise<Unlocked> {
    if ('volumeKey' in secret) {
      await this.#checkVolumeKey(secret.volumeKey, limits);
      return { volumeKey: Buffer.from(secret.volumeKey) };
    }
    if (slot !== undefined) this.#usedSlot(slot);
    const slots = slot === undefined ? this.slots.map((used) => used.slot) : [slot];
    return tryEach(slots, (one) => openSlot(this.#storage, this.#header, one, secret.passphrase, limits));
  }

  addKey(volumeKey: Uint8Array, passphrase: Uint8Array, options: NewSlotOptions = {}): Promise<number> {
    return exclusively(this.#storage, () => this.#addKey(volumeKey, passphrase, options));
  }

  async #addKey(volumeKey: Uint8Array, passphrase: Uint8Array, options: NewSlotOptions): Promise<number> {
    const kdf = newKdf(this.#header, options.kdf);
    const slot = options.slot ?? this.#header.slots.findIndex(({ enabled }) => !enabled);
    if (slot < 0) throw fail('ENOSPC', `all ${String(SLOTS)} key slots are in use`);
    const free = this.#header.slots[slot];
    if (free === undefined) throw noSuchSlot(slot);
    if (free.enabled) throw fail('EEXIST', `key slot ${String(slot)} is in use`);
    await this.#checkVolumeKey(volumeKey, {});
    await this.#checkUnchanged();
    await this.#writeSlot(slot, await makeSlot(this.#header, slot, kdf, { volumeKey, passphrase }));
    return slot;
  }

  changeKey(passphrase: Uint8Array, next: Uint8Array, options: ChangeOptions = {}): Promise<number> {
    return exclusively(this.#storage, () => this.#changeKey(passphrase, next, options));
  }

  async #changeKey(passphrase: Uint8Array, next: Uint8Array, options: ChangeOptions): Promise<number> {
    const kdf = newKdf(this.#header, options.kdf);
    await this.#checkUnchanged();
    const { volumeKey, slot: old } = await this.unlock({ passphrase }, options);
    return wiping(volumeKey, async () => {
      const { slots } = this.#header;
      const slot = slots.findIndex(({ enabled }) => !enabled);
      if (slot < 0)
        throw fail('ENOSPC', 'a changed key needs a free key slot, since the old one stays until then');
      const made = await makeSlot(this.#header, slot, kdf, { volumeKey, passphrase: next });
      await this.#writeSlot(slot, made);
      await this.#checkWritten(made);
      await this.#erase(old!);
      return slot;
    });
  }

  removeKey(slot: number, options: { readonly last?: boolean } = {}): Promise<void> {
    return exclusively(this.#storage, () => this.#removeKey(slot, options));
  }

  async #removeKey(slot: number, { last = false }: { readonly last?: boolean }): Promise<void> {
    this.#usedSlot(slot);
    if (!last && this.slots.length === 1) {
      throw fail('EBUSY', `key slot ${String(slot)} is the last one: without it the data is lost`);
    }
    await this.#checkUnchanged();
    await this.#erase(slot);
  }

  repair(): Promise<void> {
    return Promise.resolve();
  }

  #usedSlot(slot: number): Luks1Slot {
    const found = this.#header.slots[slot];
    if (found === undefined) throw noSuchSlot(slot);
    if (!found.enabled) throw fail('ENOENT', `key slot ${String(slot)} is not in use`);
    return found;
  }

  async #checkVolumeKey(key: Uint8Array, limits: KdfLimits): Promise<void> {
    const { keyBytes, digest } = this.#header;
    if (key.length === keyBytes && (await isKeyOf(key, digest, limits))) return;
    throw fail('EACCES', 'this is not the volume key');
  }

  /** What the slot holds is stable before the header says that it is in use. */
  async #writeSlot(number: number, { slot, sealed }: NewSlot): Promise<void> {
    await this.#checkUnchanged();
    await this.#storage.write(slot.material * SECTOR_SIZE, sealed);
    await this.#storage.flush();
    await this.#checkUnchanged();
    await this.#writeSlots(new Map([[number, slot]]));
  }

  /** Only then the slot that it replaces may go: nothing is locked against other programs. */
  async #checkWritten({ slot, sealed }: NewSlot): Promise<void> {
    await this.#checkUnchanged();
    const found = await this.#storage.read(slot.material * SECTOR_SIZE, sealed.length);
    if (found.equals(sealed)) return;
    throw fail('EBUSY', 'somebody else wrote over the new key slot at the same time');
  }

  /** First the material: a slot that a crash leaves in the header then opens no longer, and other slots always do. */
  async #erase(slot: number): Promise<void> {
    const old = this.#header.slots[slot]!;
    const noise = randomBytes(areaSectors(this.#header.keyBytes) * SECTOR_SIZE);
    await this.#storage.write(old.material * SECTOR_SIZE, noise);
    await this.#storage.flush();
    await this.#writeSlots(new Map([[slot, emptySlot(old)]]));
  }

  /**
   * Slot 6 stands in both sectors of the header, its state in the first: the second is written and stable before, so that
   * a slot which is enabled is always whole.
   */
  async #writeSlots(changed: ReadonlyMap<number, Luks1Slot>): Promise<void> {
    const slots = this.#header.slots.map((slot, at) => changed.get(at) ?? slot);
    const header = { ...this.#header, slots };
    const bytes = encodeHeader(header);
    for (const { offset: start, size } of HEADER_PARTS) {
      const end = start + size;
      if (bytes.subarray(start, end).equals(this.#bytes.subarray(start, end))) continue;
      await this.#storage.write(start, bytes.subarray(start, end));
      await this.#storage.flush();
    }
    this.#header = header;
    this.#bytes = bytes;
  }

  async #checkUnchanged(): Promise<void> {
    const now = await this.#storage.read(0, HEADER_BYTES);
    if (!now.equals(this.#bytes)) throw fail('EBUSY', 'somebody else changed the header since it was read');
  }
}

function noSuchSlot(slot: number): Error {
  return fail('EINVAL', `key slot ${String(slot)}: LUKS1 has the slots 0 to ${String(SLOTS - 1)}`);
}
