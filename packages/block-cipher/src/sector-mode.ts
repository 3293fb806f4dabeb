import type { EvpContext } from './evp-context.ts';
import type { IvTable } from './iv-table.ts';

/**
 * A cipher with one key in one mode, for runs of sectors.
 *
 * `ivs` holds an IV for each sector; what it holds afterwards is undefined.
 * `from` and `to` are the same bytes or do not overlap; `from` is not written to otherwise.
 */
export interface SectorMode {
  encrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    sectors: number,
    ivs: IvTable,
  ): void;
  decrypt(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    sectors: number,
    ivs: IvTable,
  ): void;
  /** A context that another thread may use on its own, for the caller to free; none where the mode is more than native calls. */
  lease(encrypting: boolean): EvpContext | undefined;
  /** Forgets the key. */
  close(): void;
}
