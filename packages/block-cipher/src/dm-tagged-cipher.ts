import { aeadName } from './algorithms.ts';
import type { EngineName } from './engine.ts';
import { type IvSource, openIvSource } from './ivs.ts';
import type { KeyParts } from './keys.ts';
import type { Layout } from './options.ts';
import { checkRequest, checkTuples } from './request.ts';
import { wipeScratch } from './scratch.ts';
import { Span } from './span.ts';
import type { CipherSpec } from './spec.ts';
import { AeadCodec, type Header, MacCodec, NUMBER_SIZE, type TagCodec } from './tag-codec.ts';
import type { TaggedCipher } from './tagged-cipher.ts';
import { IvTable } from './iv-table.ts';

/** What a tagged cipher is opened with. */
export interface TaggedRequest {
  readonly spec: CipherSpec;
  /** The whole key, and the same cut into its parts. */
  readonly key: Uint8Array;
  readonly parts: KeyParts;
  readonly layout: Layout;
  readonly tupleSize: number;
  readonly tagSize: number;
}

/** Sector by sector: the header of each one's tag, the tag, and the IV if it is random. */
export class DmTaggedCipher implements TaggedCipher {
  readonly spec: CipherSpec;
  readonly engine: EngineName;
  readonly sectorSize: number;
  readonly tupleSize: number;
  readonly #layout: Layout;
  readonly #tagSize: number;
  readonly #codec: TagCodec;
  readonly #source: IvSource;
  readonly #header: Header;
  readonly #headerView: DataView;
  readonly #span: Span = new Span();
  #wiped = false;

  constructor({ spec, key, parts, layout, tupleSize, tagSize }: TaggedRequest) {
    const { engine, sectorSize } = layout;
    this.spec = spec;
    this.engine = engine.name;
    this.sectorSize = sectorSize;
    this.tupleSize = tupleSize;
    this.#layout = layout;
    this.#tagSize = tagSize;
    this.#codec = openCodec(spec, parts, layout, tagSize);
    this.#source = openIvSource({
      engine,
      spec,
      key,
      firstKey: parts.ciphers[0]!,
      ivKey: parts.iv,
      sectorSize,
    });
    const bytes = new Uint8Array(NUMBER_SIZE + spec.ivSize);
    this.#header = { bytes, iv: new IvTable(spec.ivSize, bytes.buffer, NUMBER_SIZE) };
    this.#headerView = new DataView(bytes.buffer);
  }

  encrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
    sector: number,
    tuples: Uint8Array,
    tuplesOffset: number,
  ): void {
    const span = this.#begin(
      this.#span.set(from, fromOffset, to, toOffset, bytes, sector),
      tuples,
      tuplesOffset,
    );
    const { tupleSize, sectorSize } = this;
    const header = this.#header;
    let at = tuplesOffset;
    for (let done = 0; done < bytes; done += sectorSize, at += tupleSize) {
      this.#beginSector(sector + done / 512);
      const tag = tuples.subarray(at, at + this.#tagSize);
      this.#codec.encrypt(span, header, tag);
      span.skip(sectorSize);
      if (this.spec.iv === 'random') tuples.set(header.iv.bytes, at + this.#tagSize);
    }
  }

  decrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
    sector: number,
    tuples: Uint8Array,
    tuplesOffset: number,
  ): number {
    const span = this.#begin(
      this.#span.set(from, fromOffset, to, toOffset, bytes, sector),
      tuples,
      tuplesOffset,
    );
    const { tupleSize, sectorSize } = this;
    const header = this.#header;
    let at = tuplesOffset;
    for (let done = 0; done < bytes; done += sectorSize, at += tupleSize) {
      this.#beginSector(sector + done / 512);
      const tagEnd = at + this.#tagSize;
      if (this.spec.iv === 'random') header.iv.bytes.set(tuples.subarray(tagEnd, at + tupleSize));
      const tag = tuples.subarray(at, tagEnd);
      if (!this.#codec.decrypt(span, header, tag)) return sector + done / 512;
      span.skip(sectorSize);
    }
    return -1;
  }

  wipe(): void {
    this.#wiped = true;
    this.#codec.close();
    this.#source.close();
    this.#header.bytes.fill(0);
    this.#span.clear();
    wipeScratch();
  }

  /** Makes the header of a sector. The number in it is the one in the target, without the IV offset. */
  #beginSector(sector: number): void {
    const { ivOffset, divisor, step } = this.#layout;
    this.#headerView.setUint32(0, sector % 2 ** 32, true);
    this.#headerView.setUint32(4, Math.floor(sector / 2 ** 32), true);
    this.#source.fill(this.#header.iv, (sector + ivOffset) / divisor, 1, step);
  }

  #begin(span: Span, tuples: Uint8Array, tuplesOffset: number): Span {
    checkRequest(this.spec, this.#layout, this.#wiped, span);
    checkTuples(tuples, tuplesOffset, (span.bytes / this.sectorSize) * this.tupleSize);
    return span;
  }
}

function openCodec(spec: CipherSpec, parts: KeyParts, layout: Layout, tagSize: number): TagCodec {
  const { cipher, mode, text } = spec;
  if (mode !== 'gcm' && mode !== 'poly1305') return new MacCodec(spec, parts, layout);
  const key = parts.ciphers[0]!;
  return new AeadCodec(aeadName(cipher, mode, key.length, text), key, layout.sectorSize, tagSize);
}
