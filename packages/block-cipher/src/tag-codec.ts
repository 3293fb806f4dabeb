import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { digest } from './algorithms.ts';
import type { KeyParts } from './keys.ts';
import { openMode } from './modes.ts';
import type { Layout } from './options.ts';
import type { SectorMode } from './sector-mode.ts';
import type { Span } from './span.ts';
import type { CipherSpec } from './spec.ts';
import { IvTable } from './iv-table.ts';

/** Sector number, 64 bits with the least significant byte first, and IV: what a tag proves besides the data. */
export interface Header {
  readonly bytes: Uint8Array;
  /** The IV in it. */
  readonly iv: IvTable;
}

/** Ciphers single sectors of `size` bytes with their tags. */
export interface TagCodec {
  encrypt(span: Readonly<Span>, header: Header, tag: Uint8Array): void;
  /** False if the tag is wrong; nothing is written then. */
  decrypt(span: Readonly<Span>, header: Header, tag: Uint8Array): boolean;
  /** Forgets the key. */
  close(): void;
}

/** Bytes of the sector number. */
export const NUMBER_SIZE = 8;

/** gcm and rfc7539. Cipher objects of node:crypto: one for each sector, whatever the engine. */
export class AeadCodec implements TagCodec {
  readonly #algorithm: 'aes-256-gcm';
  readonly #key: Uint8Array;
  readonly #size: number;
  readonly #tagSize: number;

  constructor(algorithm: string, key: Uint8Array, sectorSize: number, tagSize: number) {
    // Typings know ciphers that authenticate by name; all of them are used in the same way.
    this.#algorithm = algorithm as 'aes-256-gcm';
    this.#key = key.slice();
    this.#size = sectorSize;
    this.#tagSize = tagSize;
  }

  encrypt({ from, fromOffset, to, toOffset }: Readonly<Span>, { bytes }: Header, tag: Uint8Array): void {
    const options = { authTagLength: this.#tagSize };
    const cipher = createCipheriv(this.#algorithm, this.#key, bytes.subarray(NUMBER_SIZE), options);
    cipher.setAAD(bytes);
    to.set(cipher.update(from.subarray(fromOffset, fromOffset + this.#size)), toOffset);
    cipher.final();
    tag.set(cipher.getAuthTag());
  }

  decrypt({ from, fromOffset, to, toOffset }: Readonly<Span>, { bytes }: Header, tag: Uint8Array): boolean {
    const options = { authTagLength: this.#tagSize };
    const cipher = createDecipheriv(this.#algorithm, this.#key, bytes.subarray(NUMBER_SIZE), options);
    cipher.setAAD(bytes);
    cipher.setAuthTag(tag);
    const plain = cipher.update(from.subarray(fromOffset, fromOffset + this.#size));
    try {
      cipher.final();
    } catch {
      // The only thing that can go wrong here is the tag.
      plain.fill(0);
      return false;
    }
    to.set(plain, toOffset);
    return true;
  }

  close(): void {
    this.#key.fill(0);
  }
}

/** authenc: the sector cipher, and an HMAC of header and ciphertext. Without a MAC, for random IVs alone, nothing is proved. */
export class MacCodec implements TagCodec {
  readonly #mode: SectorMode;
  readonly #digest: string | undefined;
  readonly #key: Uint8Array;
  readonly #size: number;
  readonly #iv: IvTable;

  constructor(spec: CipherSpec, { ciphers, mac }: KeyParts, { engine, sectorSize }: Layout) {
    this.#mode = openMode({ engine, spec, key: ciphers[0]!, sectorSize });
    this.#digest = spec.mac === undefined ? undefined : digest(spec.mac, spec.text).openssl;
    this.#key = mac.slice();
    this.#size = sectorSize;
    this.#iv = new IvTable(spec.ivSize);
  }

  encrypt(span: Readonly<Span>, header: Header, tag: Uint8Array): void {
    // The mode uses up what it is given.
    this.#iv.words.set(header.iv.words);
    this.#mode.run(true, span, 1, this.#iv);
    tag.set(this.#macOf(header, span.to, span.toOffset).subarray(0, tag.length));
  }

  decrypt(span: Readonly<Span>, header: Header, tag: Uint8Array): boolean {
    const good = timingSafeEqual(
      this.#macOf(header, span.from, span.fromOffset).subarray(0, tag.length),
      tag,
    );
    if (!good) return false;
    this.#iv.words.set(header.iv.words);
    this.#mode.run(false, span, 1, this.#iv);
    return true;
  }

  close(): void {
    this.#mode.close();
    this.#key.fill(0);
    this.#iv.bytes.fill(0);
  }

  #macOf({ bytes }: Header, data: Uint8Array, offset: number): Uint8Array {
    if (this.#digest === undefined) return bytes.subarray(0, 0);
    const sector = data.subarray(offset, offset + this.#size);
    return createHmac(this.#digest, this.#key).update(bytes).update(sector).digest();
  }
}
