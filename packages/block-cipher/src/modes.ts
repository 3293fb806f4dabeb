import { fail } from '@interposer/core';
import { blockCipher } from './algorithms.ts';
import { CbcMode } from './cbc-mode.ts';
import { CtrMode } from './ctr-mode.ts';
import { EcbMode, NullMode } from './ecb-mode.ts';
import type { Engine } from './engine.ts';
import { LrwTweak } from './lrw-tweak.ts';
import type { SectorMode } from './sector-mode.ts';
import type { CipherSpec } from './spec.ts';
import { TweakedMode } from './tweaked-mode.ts';
import { XtsTweak } from './xts-tweak.ts';

/** Blocks of 16 bytes of a cipher with one key. */
const BLOCK = 16;

/** What a mode is opened with. */
export interface ModeRequest {
  readonly engine: Engine;
  readonly spec: CipherSpec;
  /** One of the keys of the spec. */
  readonly key: Uint8Array;
  readonly sectorSize: number;
}

/** Opens the mode of a spec (not gcm, not poly1305) with one of its keys. */
export function openMode(request: ModeRequest): SectorMode {
  const { spec, sectorSize } = request;
  if (spec.cipher === 'cipher_null') return new NullMode(sectorSize);
  switch (spec.mode) {
    case 'cbc':
      return openCbc(request);
    case 'ctr':
      return openCtr(request);
    case 'ecb': {
      const ecb = algorithm(request, request.key, 'ecb');
      return new EcbMode(ecb.open(true), ecb.open(false), sectorSize);
    }
    case 'lrw':
      return openLrw(request);
    case 'xts':
      return openXts(request);
    default:
      throw fail('EINVAL', `${spec.text} is opened by openTaggedCipher`);
  }
}

function openCbc(request: ModeRequest): SectorMode {
  const { engine, spec, key, sectorSize } = request;
  const cbc = algorithm(request, key, 'cbc');
  const native = engine.sectors(cbc.name, key, sectorSize, spec.ivSize);
  return new CbcMode(cbc.open(true), cbc.open(false), spec.ivSize, sectorSize, native);
}

function openCtr(request: ModeRequest): SectorMode {
  const { engine, spec, key, sectorSize } = request;
  const native = engine.sectors(algorithm(request, key, 'ctr').name, key, sectorSize, spec.ivSize);
  return native ?? new CtrMode(algorithm(request, key, 'ecb').open(true), spec.ivSize, sectorSize);
}

function openXts(request: ModeRequest): SectorMode {
  const { engine, spec, key, sectorSize } = request;
  const half = key.length / 2;
  const [data, tweak] = [key.subarray(0, half), key.subarray(half)];
  // OpenSSL has XTS of AES only (and one of SM4 with doublings of its own), with two different keys, none of them of 192 bits.
  if (spec.cipher === 'aes') {
    const native = engine.sectors(algorithm(request, data, 'xts').name, key, sectorSize, BLOCK);
    if (native !== undefined) return native;
  }
  const ecb = algorithm(request, data, 'ecb');
  const seeds = algorithm(request, tweak, 'ecb').open(true);
  return new TweakedMode(
    ecb.open(true),
    ecb.open(false),
    new XtsTweak(seeds, sectorSize / BLOCK),
    sectorSize,
  );
}

function openLrw(request: ModeRequest): SectorMode {
  const { key, sectorSize } = request;
  const ecb = algorithm(request, key.subarray(0, -BLOCK), 'ecb');
  const tweak = new LrwTweak(key.subarray(-BLOCK), sectorSize / BLOCK);
  return new TweakedMode(ecb.open(true), ecb.open(false), tweak, sectorSize);
}

/** The cipher of a spec under OpenSSL's name of one of its modes. */
function algorithm({ engine, spec }: ModeRequest, key: Uint8Array, mode: string) {
  const name = `${blockCipher(spec.cipher, spec.text).openssl(key.length)}-${mode}`;
  return { name, open: (encrypting: boolean) => engine.stream(name, key, encrypting) };
}
