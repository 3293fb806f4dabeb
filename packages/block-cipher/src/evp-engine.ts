import { fail } from '@interposer/core';
import type { Engine, Stream } from './engine.ts';
import { EvpContext } from './evp-context.ts';
import type { Evp } from './evp.ts';
import type { SectorMode } from './sector-mode.ts';
import type { IvTable } from './iv-table.ts';
import type { Span } from './span.ts';

/** OpenSSL's own functions: no object and no copy per sector. */
export class EvpEngine implements Engine {
  readonly name = 'evp' as const;
  readonly #evp: Evp;

  constructor(evp: Evp) {
    this.#evp = evp;
  }

  stream(algorithm: string, key: Uint8Array, encrypting: boolean): Stream {
    const context = EvpContext.open(this.#evp, algorithm, key, encrypting);
    if (context === undefined) throw fail('ENOTSUP', `OpenSSL has no ${algorithm}, or not with this key`);
    return new EvpStream(context);
  }

  sectors(algorithm: string, key: Uint8Array, sectorSize: number, ivSize: number): SectorMode | undefined {
    const encrypting = EvpContext.open(this.#evp, algorithm, key, true);
    if (encrypting === undefined) return undefined;
    const decrypting = EvpContext.open(this.#evp, algorithm, key, false);
    if (decrypting !== undefined) return new EvpSectors(encrypting, decrypting, sectorSize, ivSize);
    encrypting.free();
    return undefined;
  }
}

class EvpStream implements Stream {
  readonly #context: EvpContext;

  constructor(context: EvpContext) {
    this.#context = context;
  }

  update(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, bytes: number): void {
    this.#context.update(from, fromOffset, to, toOffset, bytes);
  }

  close(): void {
    this.#context.free();
  }
}

class EvpSectors implements SectorMode {
  readonly #encrypting: EvpContext;
  readonly #decrypting: EvpContext;
  readonly #sectorSize: number;
  readonly #ivSize: number;

  constructor(encrypting: EvpContext, decrypting: EvpContext, sectorSize: number, ivSize: number) {
    this.#encrypting = encrypting;
    this.#decrypting = decrypting;
    this.#sectorSize = sectorSize;
    this.#ivSize = ivSize;
  }

  run(encrypting: boolean, span: Readonly<Span>, sectors: number, ivs: IvTable): void {
    const context = encrypting ? this.#encrypting : this.#decrypting;
    context.sectors(span, sectors, this.#sectorSize, ivs, this.#ivSize);
  }

  lease(encrypting: boolean): EvpContext {
    return (encrypting ? this.#encrypting : this.#decrypting).copy();
  }

  close(): void {
    this.#encrypting.free();
    this.#decrypting.free();
  }
}
