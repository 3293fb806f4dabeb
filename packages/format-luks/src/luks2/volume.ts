import { fail } from '@interposer/core';
import { exclusively } from '../exclusively.ts';
import { checkKdf, defaultKdf, type Kdf, type KdfLimits, LEAST_ITERATIONS } from '../kdf.ts';
import type { LuksStorage } from '../storage.ts';
import { isKeyOf, tryEach } from '../verify.ts';
import { wiping } from '../wiping.ts';
import type {
  Area,
  ChangeOptions,
  DataArea,
  HeaderVolume,
  NewSlotOptions,
  Secret,
  SlotInfo,
  TokenInfo,
  Unlocked,
  UnlockOptions,
} from '../volume.ts';
import { freeNumber } from './areas.ts';
import { checkUnchanged, type Copies, type Copy, readCopies, writeCopies } from './copies.ts';
import { checkRequirements, dataArea, dataDigest, isKeyLength } from './data-area.ts';
import { describeHeader, dumpHeader } from './dump.ts';
import { MOST_OBJECTS } from './fields.ts';
import type { JsonObject } from './json-text.ts';
import type { Keyslot } from './keyslots.ts';
import { withoutSlot, withSlot } from './slot-json.ts';
import { checkWritten, makeSlot, type NewSlot, openSlot, shapeOf, wipeArea, writeArea } from './slots.ts';

const PRIORITIES = ['ignore', 'normal', 'prefer'] as const;

/** A LUKS2 header on a storage. */
export class Luks2Volume implements HeaderVolume {
  readonly version = 2;
  readonly #storage: LuksStorage;
  #copies: Copies;

  private constructor(storage: LuksStorage, copies: Copies) {
    this.#storage = storage;
    this.#copies = copies;
  }

  /** EINVAL if no copy of the header is right. */
  static async read(storage: LuksStorage): Promise<Luks2Volume> {
    return new Luks2Volume(storage, await readCopies(storage));
  }

  get #copy(): Copy {
    return this.#copies.current;
  }

  get uuid(): string {
    return this.#copy.binary.uuid;
  }

  get label(): string {
    return this.#copy.binary.label;
  }

  get headerParts(): readonly Area[] {
    const size = this.#copy.binary.headerBytes;
    const [first, second] = [
      { offset: 0, size },
      { offset: size, size },
    ];
    return this.#copy.role === 'primary' ? [second, first] : [first, second];
  }

  get areas(): readonly Area[] {
    return Array.from(this.#copy.metadata.keyslots.values(), ({ area }) => area);
  }

  get headerBytes(): number {
    return 2 * this.#copy.binary.headerBytes + this.#copy.metadata.config.keyslotsBytes;
  }

  get damage(): string | undefined {
    return this.#copies.damage;
  }

  get slots(): readonly SlotInfo[] {
    const { keyslots, digests } = this.#copy.metadata;
    const opening = [...digests.values()].find(({ segments }) => segments.includes(0))?.keyslots ?? [];
    return [...keyslots].map(([slot, { type, keyBytes, priority, passphrase }]) => ({
      slot,
      type,
      keyBytes,
      ...(passphrase === undefined ? {} : { kdf: passphrase.kdf }),
      priority: PRIORITIES[priority],
      opensData: passphrase !== undefined && opening.includes(slot),
    }));
  }

  get tokens(): readonly TokenInfo[] {
    const { metadata, json } = this.#copy;
    const raw = json.tokens as Readonly<Record<string, JsonObject>>;
    return [...metadata.tokens].map(([token, { type, keyslots }]) => {
      const { type: _type, keyslots: _keyslots, ...data } = raw[String(token)]!;
      return { token, type, slots: keyslots, data };
    });
  }

  dump(): string {
    return dumpHeader(this.#copy);
  }

  describe(): Readonly<Record<string, unknown>> {
    return describeHeader(this.#copy);
  }

  data(): DataArea {
    return dataArea(this.#copy.metadata);
  }

  async unlock(secret: Secret, { slot, limits = {} }: UnlockOptions = {}): Promise<Unlocked> {
    checkRequirements(this.#copy.metadata);
    if ('volumeKey' in secret) {
      await this.#checkVolumeKey(secret.volumeKey, limits);
      return { volumeKey: Buffer.from(secret.volumeKey) };
    }
    if (slot !== undefined) this.#usedSlot(slot);
    const slots = slot === undefined ? this.#inOrder() : [slot];
    return tryEach(slots, (one) =>
      openSlot(this.#storage, this.#copy.metadata, one, secret.passphrase, limits),
    );
  }

  addKey(volumeKey: Uint8Array, passphrase: Uint8Array, options: NewSlotOptions = {}): Promise<number> {
    return exclusively(this.#storage, () => this.#addKey(volumeKey, passphrase, options));
  }

  async #addKey(volumeKey: Uint8Array, passphrase: Uint8Array, options: NewSlotOptions): Promise<number> {
    const { metadata } = this.#copy;
    checkRequirements(metadata);
    const kdf = checkNewKdf(options.kdf);
    const slot = options.slot ?? freeNumber(metadata.keyslots);
    if (!Number.isInteger(slot) || slot < 0 || slot >= MOST_OBJECTS) {
      throw fail('EINVAL', `key slot ${String(slot)}: LUKS2 has the slots 0 to 31`);
    }
    if (metadata.keyslots.has(slot)) throw fail('EEXIST', `key slot ${String(slot)} is in use`);
    await this.#checkVolumeKey(volumeKey, {});
    await this.#beforeChange();
    const made = await makeSlot(this.#copy, shapeOf(metadata), { kdf, volumeKey, passphrase });
    await this.#writeSlot(slot, made, made.json);
    return slot;
  }

  changeKey(passphrase: Uint8Array, next: Uint8Array, options: ChangeOptions = {}): Promise<number> {
    return exclusively(this.#storage, () => this.#changeKey(passphrase, next, options));
  }

  async #changeKey(passphrase: Uint8Array, next: Uint8Array, options: ChangeOptions): Promise<number> {
    const kdf = checkNewKdf(options.kdf);
    await this.#beforeChange();
    const unlocked = await this.unlock({ passphrase }, options);
    return wiping(unlocked.volumeKey, async () => {
      const { volumeKey } = unlocked;
      const slot = unlocked.slot!;
      const old = this.#copy.metadata.keyslots.get(slot)!;
      const made = await makeSlot(this.#copy, old.passphrase!, { kdf, volumeKey, passphrase: next });
      await this.#writeSlot(slot, made, {
        ...made.json,
        ...(old.priority === 1 ? {} : { priority: old.priority }),
      });
      await this.#beforeChange();
      await checkWritten(this.#storage, made);
      await wipeArea(this.#storage, old.area);
      return slot;
    });
  }

  /** Nothing is locked against other programs; the time in which they are not seen is short. */
  async #writeSlot(slot: number, made: NewSlot, json: JsonObject): Promise<void> {
    await this.#beforeChange();
    await writeArea(this.#storage, made);
    await this.#beforeChange();
    const { number } = dataDigest(this.#copy.metadata);
    await this.#write(withSlot(this.#copy.json, slot, json, number));
  }

  removeKey(slot: number, options: { readonly last?: boolean } = {}): Promise<void> {
    return exclusively(this.#storage, () => this.#removeKey(slot, options));
  }

  async #removeKey(slot: number, { last = false }: { readonly last?: boolean }): Promise<void> {
    const old = this.#usedSlot(slot);
    checkRequirements(this.#copy.metadata);
    const opening = this.slots.filter(({ opensData }) => opensData);
    if (!last && opening.length === 1 && opening[0]!.slot === slot) {
      throw fail('EBUSY', `key slot ${String(slot)} is the last one: without it the data is lost`);
    }
    await this.#beforeChange();
    // A slot that a crash leaves in the header then opens no longer; the other way round its key could be had back.
    await wipeArea(this.#storage, old.area);
    await this.#write(withoutSlot(this.#copy.json, slot, true));
  }

  repair(): Promise<void> {
    return exclusively(this.#storage, async () => {
      if (this.damage === undefined) return;
      await checkUnchanged(this.#storage, this.#copy);
      await this.#write(this.#copy.json);
    });
  }

  #usedSlot(slot: number): Keyslot {
    const found = this.#copy.metadata.keyslots.get(slot);
    if (found === undefined) throw fail('ENOENT', `key slot ${String(slot)} is not in use`);
    return found;
  }

  /** Those to be preferred first, those to be ignored not at all. */
  #inOrder(): number[] {
    const { keyslots } = this.#copy.metadata;
    const tried = this.slots.filter(({ opensData, priority }) => opensData && priority !== 'ignore');
    tried.sort((one, other) => keyslots.get(other.slot)!.priority - keyslots.get(one.slot)!.priority);
    return tried.map(({ slot }) => slot);
  }

  async #checkVolumeKey(key: Uint8Array, limits: KdfLimits): Promise<void> {
    const { metadata } = this.#copy;
    const { digest } = dataDigest(metadata);
    if (isKeyLength(metadata, key.length) && (await isKeyOf(key, digest, limits))) return;
    throw fail('EACCES', 'this is not the volume key');
  }

  async #beforeChange(): Promise<void> {
    if (!this.#copies.hasMagic) {
      throw fail(
        'EINVAL',
        'the device does not begin with LUKS any more; if nothing else is there now, repair the header first',
      );
    }
    await checkUnchanged(this.#storage, this.#copy);
  }

  async #write(json: JsonObject): Promise<void> {
    this.#copies = { current: await writeCopies(this.#storage, this.#copy, { json }), hasMagic: true };
  }
}

function checkNewKdf(kdf: Kdf = defaultKdf()): Kdf {
  checkKdf(kdf);
  if (kdf.type !== 'pbkdf2' || kdf.iterations >= LEAST_ITERATIONS) return kdf;
  throw fail(
    'EINVAL',
    `${String(kdf.iterations)} iterations: at least ${String(LEAST_ITERATIONS)} are allowed`,
  );
}
