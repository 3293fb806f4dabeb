import type { EngineName } from './engine.ts';
import type { EvpContext } from './evp-context.ts';
import { openFilter, type SectorFilter } from './filters.ts';
import { type IvSource, openIvSource } from './ivs.ts';
import type { KeyParts } from './keys.ts';
import { openMode } from './modes.ts';
import type { Layout } from './options.ts';
import { type CipherRequest, checkRequest } from './request.ts';
import { scratch, wipeScratch } from './scratch.ts';
import type { SectorCipher } from './sector-cipher.ts';
import type { SectorMode } from './sector-mode.ts';
import { Span } from './span.ts';
import type { CipherSpec } from './spec.ts';
import { IvTable } from './iv-table.ts';

/** Sectors whose IVs are made at a time. */
const SECTORS_AT_ONCE = 256;

/** One of the keys. */
interface Key {
  readonly mode: SectorMode;
  readonly ivs: IvSource;
}

/** The sector cipher of a spec: keys in turn, an IV for each sector, and for old formats a filter besides. */
export class DmCipher implements SectorCipher {
  readonly spec: CipherSpec;
  readonly engine: EngineName;
  readonly sectorSize: number;
  readonly slow: boolean;
  readonly #layout: Layout;
  #keys: readonly Key[];
  readonly #filter: SectorFilter | undefined;
  readonly #ivs: IvTable;
  readonly #span: Span = new Span();
  /** Sectors in a row that have the same key and IVs in #ivs. */
  readonly #run: number;
  /** Contexts that came back from other threads: for decryption, for encryption. */
  readonly #spare: readonly [EvpContext[], EvpContext[]] = [[], []];

  constructor(spec: CipherSpec, { ciphers, iv: ivKey }: KeyParts, layout: Layout) {
    const { engine, sectorSize } = layout;
    this.spec = spec;
    this.engine = engine.name;
    this.sectorSize = sectorSize;
    this.#layout = layout;
    this.#filter = openFilter({ engine, spec, ivKey, sectorSize });
    this.slow = this.#filter !== undefined || !['aes', 'cipher_null'].includes(spec.cipher);
    this.#keys = ciphers.map((key) => ({
      mode: openMode({ engine, spec, key, sectorSize }),
      ivs: openIvSource({ engine, spec, key, firstKey: ciphers[0]!, ivKey, sectorSize }),
    }));
    this.#run = ciphers.length > 1 ? 1 : SECTORS_AT_ONCE;
    this.#ivs = new IvTable(this.#run * spec.ivSize);
  }

  encrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
    sector: number,
  ): void {
    this.#apply(true, this.#span.set(from, fromOffset, to, toOffset, bytes, sector));
  }

  decrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
    sector: number,
  ): void {
    this.#apply(false, this.#span.set(from, fromOffset, to, toOffset, bytes, sector));
  }

  wipe(): void {
    for (const { mode, ivs } of this.#keys) {
      mode.close();
      ivs.close();
    }
    this.#keys = [];
    for (const spare of this.#spare) for (const context of spare.splice(0)) context.free();
    this.#filter?.close();
    this.#ivs.bytes.fill(0);
    wipeScratch();
  }

  /** A context for another thread, until `giveBack`; none where more than native calls is to be done. */
  lease(encrypting: boolean): EvpContext | undefined {
    const spare = this.#spare[encrypting ? 1 : 0].pop();
    if (spare !== undefined) return spare;
    const only = this.#keys.length === 1 && !this.#filter ? this.#keys[0] : undefined;
    return only?.mode.lease(encrypting);
  }

  giveBack(context: EvpContext, encrypting: boolean): void {
    if (this.#keys.length === 0) context.free();
    else this.#spare[encrypting ? 1 : 0].push(context);
  }

  /** Fills in the IVs of a request for another thread. */
  fillIvs(ivs: IvTable, sector: number, sectors: number): void {
    const { ivOffset, divisor, step } = this.#layout;
    this.#keys[0]!.ivs.fill(ivs, (sector + ivOffset) / divisor, sectors, step);
  }

  /** Throws if a request does not fit; native code would write where it is told to. */
  check(request: CipherRequest): void {
    checkRequest(this.spec, this.#layout, this.#keys.length === 0, request);
  }

  /** A filter of plain data comes before the cipher on the way there and behind it on the way back; others the other way round. */
  #apply(encrypting: boolean, span: Span): void {
    try {
      this.check(span);
      const filter = this.#filter;
      const filtersFirst = filter?.onPlain === encrypting;
      if (filtersFirst) this.#filterAll(encrypting, span);
      this.#cipher(encrypting, span);
      if (filter && !filtersFirst) this.#filterAll(encrypting, span);
    } finally {
      span.clear();
    }
  }

  /** Afterwards the span is where the data went. */
  #cipher(encrypting: boolean, span: Span): void {
    const { ratio, ivOffset, divisor, step } = this.#layout;
    const keys = this.#keys;
    const ivs = this.#ivs;
    const run = this.#run * this.sectorSize;
    const { bytes, toOffset } = span;
    let number = span.sector + ivOffset;
    for (let done = 0; done < bytes; done += run) {
      const sectors = Math.min(run, bytes - done) / this.sectorSize;
      const key = keys[number % keys.length]!;
      key.ivs.fill(ivs, number / divisor, sectors, step);
      key.mode.run(encrypting, span, sectors, ivs);
      number += sectors * ratio;
      span.skip(run);
    }
    span.toOffset = toOffset;
    span.stay();
  }

  /** Afterwards the span is where the data went. */
  #filterAll(encrypting: boolean, span: Span): void {
    const { ivOffset, divisor, step } = this.#layout;
    const { from, fromOffset, to, toOffset, bytes, sector } = span;
    const filter = this.#filter!;
    const size = this.sectorSize;
    const area = scratch();
    const data = area.bytes.subarray(0, size);
    const words = area.words.subarray(0, size / 4);
    let number = (sector + ivOffset) / divisor;
    for (let done = 0; done < bytes; done += size, number += step) {
      data.set(from.subarray(fromOffset + done, fromOffset + done + size));
      if (encrypting) filter.encode(words, number);
      else filter.decode(words, number);
      to.set(data, toOffset + done);
    }
    span.stay();
  }
}
