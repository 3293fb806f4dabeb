import { fail } from '@interposer/core';
import type { Stream } from './engine.ts';
import type { EvpContext } from './evp-context.ts';
import type { SectorMode } from './sector-mode.ts';
import type { IvTable } from './iv-table.ts';
import type { Span } from './span.ts';

/**
 * CBC. The cipher objects chain on from sector to sector as if all that they ever saw were one; that a sector begins with its IV
 * instead is made up for by xoring the difference on its first block. So decryption takes a whole request at once, and no object is
 * made for a sector.
 */
export class CbcMode implements SectorMode {
  readonly #encrypting: Stream;
  readonly #decrypting: Stream;
  readonly #blockSize: number;
  readonly #sectorSize: number;
  readonly #native: SectorMode | undefined;
  /** The last cipher block that went through each of the chained objects. */
  readonly #encrypted: Uint8Array;
  readonly #decrypted: Uint8Array;
  /** A sector whose first block is not that of the caller. */
  readonly #sector: Uint8Array;
  /** A chained object failed. */
  #lost = false;

  /** The streams are CBC too. `native`: does whole sectors with their IVs, for encryption and for other threads. */
  constructor(
    encrypting: Stream,
    decrypting: Stream,
    blockSize: number,
    sectorSize: number,
    native: SectorMode | undefined,
  ) {
    this.#encrypting = encrypting;
    this.#decrypting = decrypting;
    this.#blockSize = blockSize;
    this.#sectorSize = sectorSize;
    this.#native = native;
    this.#encrypted = new Uint8Array(blockSize);
    this.#decrypted = new Uint8Array(blockSize);
    this.#sector = new Uint8Array(sectorSize);
  }

  run(encrypting: boolean, span: Readonly<Span>, sectors: number, ivs: IvTable): void {
    if (!encrypting) this.#decrypt(span, sectors, ivs);
    else if (this.#native) this.#native.run(true, span, sectors, ivs);
    else this.#encryptChained(span, sectors, ivs);
  }

  lease(encrypting: boolean): EvpContext | undefined {
    return this.#native?.lease(encrypting);
  }

  close(): void {
    this.#encrypting.close();
    this.#decrypting.close();
    this.#native?.close();
    this.#sector.fill(0);
  }

  #decrypt({ from, fromOffset, to, toOffset }: Readonly<Span>, sectors: number, ivs: IvTable): void {
    const size = this.#sectorSize;
    const block = this.#blockSize;
    // The differences first: in place, the cipher blocks are gone afterwards.
    const differences = ivs.bytes;
    xorBytes(differences, 0, this.#decrypted, 0, block);
    for (let sector = 1; sector < sectors; sector++) {
      xorBytes(differences, sector * block, from, fromOffset + sector * size - block, block);
    }
    const last = fromOffset + sectors * size - block;
    for (let at = 0; at < block; at++) this.#decrypted[at] = from[last + at]!;
    this.#goOn(this.#decrypting, from, fromOffset, to, toOffset, sectors * size);
    for (let sector = 0; sector < sectors; sector++) {
      xorBytes(to, toOffset + sector * size, differences, sector * block, block);
    }
  }

  /** Where a chain stands that failed nobody knows: what came next would be wrong, and nobody would be told. */
  #goOn(
    stream: Stream,
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
  ): void {
    if (this.#lost) throw fail('EIO', 'an earlier failure of the cipher left its chain nobody knows where');
    this.#lost = true;
    stream.update(from, fromOffset, to, toOffset, bytes);
    this.#lost = false;
  }

  #encryptChained({ from, fromOffset, to, toOffset }: Readonly<Span>, sectors: number, ivs: IvTable): void {
    const size = this.#sectorSize;
    const block = this.#blockSize;
    const data = this.#sector;
    const last = this.#encrypted;
    for (let sector = 0; sector < sectors; sector++) {
      const start = fromOffset + sector * size;
      const target = toOffset + sector * size;
      data.set(from.subarray(start, start + size));
      xorBytes(data, 0, ivs.bytes, sector * block, block);
      xorBytes(data, 0, last, 0, block);
      this.#goOn(this.#encrypting, data, 0, to, target, size);
      for (let at = 0; at < block; at++) last[at] = to[target + size - block + at]!;
    }
  }
}

function xorBytes(
  to: Uint8Array,
  toOffset: number,
  from: Uint8Array,
  fromOffset: number,
  count: number,
): void {
  for (let at = 0; at < count; at++) to[toOffset + at]! ^= from[fromOffset + at]!;
}
