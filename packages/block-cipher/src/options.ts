import { endianness } from 'node:os';
import { fail } from '@interposer/core';
import { type Engine, type EngineName } from './engine.ts';
import { EvpEngine } from './evp-engine.ts';
import { evp, loadEvp } from './evp.ts';
import { nodeEngine } from './node-engine.ts';

/** How sectors are laid out and ciphered. */
export interface CipherOptions {
  /** Bytes that have one IV: 512 (default), 1024, 2048 or 4096. */
  readonly sectorSize?: number | undefined;
  /** IVs count sectors of that size; by default they count 512 bytes whatever the size. */
  readonly ivLargeSectors?: boolean | undefined;
  /** Added to the sector for the IV: sectors of 512 bytes, a multiple of the sector size. Default 0. */
  readonly ivOffset?: number | undefined;
  /** Insists on an engine; for tests. ENOTSUP if it is not there. */
  readonly engine?: EngineName | undefined;
}

/** Options with everything decided. */
export interface Layout {
  readonly engine: Engine;
  readonly sectorSize: number;
  /** Sectors of 512 bytes in one of them. */
  readonly ratio: number;
  readonly ivOffset: number;
  /** What the sector number is divided by for the IV, and how much IV numbers grow from sector to sector. */
  readonly divisor: number;
  readonly step: number;
}

const SECTOR = 512;

/**
 * Brings in the engines: until then only `node` is there. Resolves to those there are, the fastest first; never rejects. With
 * `INTERPOSER_NO_FFI=1` in the environment koffi is left alone.
 */
export async function loadEngines(): Promise<readonly EngineName[]> {
  await loadEvp();
  return evp() === undefined ? ['node'] : ['evp', 'node'];
}

/** Checks options. EINVAL with the kernel's texts. */
export function readOptions(options: CipherOptions): Layout {
  const { sectorSize = SECTOR, ivLargeSectors = false, ivOffset = 0 } = options;
  if (![512, 1024, 2048, 4096].includes(sectorSize)) {
    throw fail('EINVAL', `Invalid feature value for sector_size: ${sectorSize}; 512, 1024, 2048 or 4096`);
  }
  const ratio = sectorSize / SECTOR;
  if (!Number.isSafeInteger(ivOffset) || ivOffset < 0 || ivOffset % ratio !== 0) {
    throw fail('EINVAL', `Invalid iv_offset sector: ${ivOffset}; a multiple of ${ratio} below 2^53`);
  }
  const engine = pickEngine(options.engine);
  const [divisor, step] = ivLargeSectors ? [ratio, 1] : [1, ratio];
  return { engine, sectorSize, ratio, ivOffset, divisor, step };
}

function pickEngine(wanted: EngineName | undefined): Engine {
  // Modes work on words of the machine where the formats want the least significant byte first.
  if (endianness() !== 'LE')
    throw fail('ENOTSUP', 'ciphers are for machines with the least significant byte first');
  const functions = evp();
  if (wanted === 'evp' && functions === undefined) {
    throw fail(
      'ENOTSUP',
      'the engine evp is not there: koffi is missing, not loaded yet, or this Node hides its OpenSSL',
    );
  }
  return functions === undefined || wanted === 'node' ? nodeEngine : engineOf(functions);
}

let evpEngine: EvpEngine | undefined;

function engineOf(functions: NonNullable<ReturnType<typeof evp>>): EvpEngine {
  return (evpEngine ??= new EvpEngine(functions));
}
