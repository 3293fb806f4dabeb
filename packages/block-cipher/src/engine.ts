import type { SectorMode } from './sector-mode.ts';

/** `evp`: OpenSSL's own functions in the node binary, called through koffi. `node`: cipher objects of node:crypto. */
export type EngineName = 'evp' | 'node';

/** A cipher with a key and a direction that goes on from call to call: ECB, or CBC that began with an IV of zeroes. */
export interface Stream {
  /** Whole blocks; in place where `from` and `to` are the same bytes. */
  update(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, bytes: number): void;
  /** Forgets the key. */
  close(): void;
}

/** Where the ciphers themselves come from; everything around them is the same for every engine. */
export interface Engine {
  readonly name: EngineName;
  /** `algorithm`: OpenSSL's name with its mode, `aes-256-ecb`. The key is copied. */
  stream(algorithm: string, key: Uint8Array, encrypting: boolean): Stream;
  /** Whole sectors with an IV each, where the engine can do that without a cipher object per sector. */
  sectors(algorithm: string, key: Uint8Array, sectorSize: number, ivSize: number): SectorMode | undefined;
}
