import { fail } from '@interposer/core';
import type { Evp } from './evp.ts';
import type { IvTable } from './iv-table.ts';
import type { Span } from './span.ts';

/** Bytes, the most that there are. */
const IV_SIZE = 16;

/** A cipher of OpenSSL with its key: native memory that only `free` gives back. */
export class EvpContext {
  readonly #evp: Evp;
  #address: number;

  private constructor(evp: Evp) {
    this.#evp = evp;
    this.#address = evp.newContext();
    if (this.#address === 0) throw fail('ENOMEM', 'OpenSSL has no memory for a cipher');
  }

  /** With a key and an IV of zeroes. Nothing if OpenSSL has no such cipher, or takes no such key. */
  static open(evp: Evp, algorithm: string, key: Uint8Array, encrypting: boolean): EvpContext | undefined {
    const cipher = evp.fetchCipher(algorithm);
    if (cipher === 0) {
      evp.clearErrors();
      return undefined;
    }
    const context = new EvpContext(evp);
    // The key lies at the start of memory of its own, which is wiped; the IV of zeroes follows it.
    const memory = new Uint8Array(new ArrayBuffer(key.length + IV_SIZE));
    memory.set(key);
    const address = evp.sources.of(memory, 0);
    const good =
      evp.init(context.#address, cipher, address, address + key.length, encrypting ? 1 : 0, 0) === 1 &&
      evp.setPadding(context.#address, 0) === 1;
    memory.fill(0);
    evp.freeCipher(cipher);
    if (good) return context;
    evp.clearErrors();
    context.free();
    return undefined;
  }

  /** For another thread to work with. */
  copy(): EvpContext {
    const copied = new EvpContext(this.#evp);
    if (this.#evp.copyContext(copied.#address, this.#address) === 1) return copied;
    copied.free();
    throw failure(this.#evp);
  }

  /** Where it lies; valid until it is freed. */
  get address(): number {
    return this.#address;
  }

  /** Goes on from the last call. */
  update(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, bytes: number): void {
    const evp = this.#evp;
    const output = evp.destinations.of(to, toOffset);
    const good = evp.update(this.#address, output, evp.length, evp.sources.of(from, fromOffset), bytes);
    if (good !== 1) throw failure(evp);
  }

  /** Starts each sector with its IV. */
  sectors(
    { from, fromOffset, to, toOffset }: Readonly<Span>,
    sectors: number,
    sectorSize: number,
    ivs: IvTable,
    ivSize: number,
  ): void {
    const { init, update, length, sources, destinations } = this.#evp;
    const context = this.#address;
    let iv = sources.of(ivs.bytes, 0);
    let input = sources.of(from, fromOffset);
    let output = destinations.of(to, toOffset);
    let good = 1;
    for (let left = sectors; left > 0; left--) {
      good &= init(context, 0, 0, iv, -1, 0);
      good &= update(context, output, length, input, sectorSize);
      iv += ivSize;
      input += sectorSize;
      output += sectorSize;
    }
    if (good !== 1) throw failure(this.#evp);
  }

  /** Wipes and gives back the memory. */
  free(): void {
    if (this.#address !== 0) this.#evp.freeContext(this.#address);
    this.#address = 0;
  }
}

function failure(evp: Evp): Error {
  evp.clearErrors();
  return fail('EIO', 'OpenSSL failed to cipher');
}
