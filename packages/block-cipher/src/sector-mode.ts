import type { EvpContext } from './evp-context.ts';
import type { IvTable } from './iv-table.ts';
import type { Span } from './span.ts';

/** A cipher with one key in one mode, for runs of sectors. */
export interface SectorMode {
  /**
   * Ciphers `sectors` sectors from the start of `span`, whose source is not written to unless it is the destination too. `ivs` holds
   * an IV for each sector; what it holds afterwards is undefined.
   */
  run(encrypting: boolean, span: Readonly<Span>, sectors: number, ivs: IvTable): void;
  /** A context that another thread may use on its own, for the caller to free; none where the mode is more than native calls. */
  lease(encrypting: boolean): EvpContext | undefined;
  /** Forgets the key. */
  close(): void;
}
