import { loadEngines } from '@interposer/block-cipher';
import {
  asFilter,
  BioOp,
  defineTarget,
  type FilterType,
  type KeySource,
  opSet,
  type TargetType,
} from '@interposer/core';
import { Crypt } from './crypt.ts';
import { SharedPool } from './shared-pool.ts';

/** What a program may want otherwise. */
export interface CryptSettings {
  /** Where tables take keys from; by default the key ring of their engine. */
  readonly keyRing?: KeySource;
  /** Threads for large requests, at most; 0: none. By default one less than there are processors, and at most 2. */
  readonly threads?: number;
}

/** The `crypt` target with settings of one's own. */
export function defineCrypt({ keyRing, threads }: CryptSettings = {}): TargetType {
  const pool = new SharedPool(threads === undefined ? {} : { threads });
  return defineTarget({
    name: 'crypt',
    version: [1, 28, 0],
    ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
    params: [
      {
        name: 'cipher',
        kind: 'word',
        about: 'cipher[:keys]-mode-iv[:options], or capi:mode(cipher)-iv[:options]',
      },
      {
        name: 'key',
        kind: 'word',
        secret: true,
        about: 'in hexadecimal, :<size>:<type>:<name> of the key ring, or -',
      },
      {
        name: 'iv_offset',
        kind: 'sector',
        error: 'Invalid iv_offset sector',
        about: 'what is added to the number of a sector for its IV',
      },
      { name: 'device', kind: 'device', about: 'the device below' },
      {
        name: 'offset',
        kind: 'sector',
        error: 'Invalid device sector',
        about: 'its first sector that is used',
      },
      { name: 'options', kind: 'rest', about: '[<options> <option>...]: how many, and which' },
    ],
    countError: 'Not enough arguments',
    create: async (context, args) => {
      await loadEngines();
      return new Crypt(context, args, { keyRing: keyRing ?? context.keys, pool });
    },
  });
}

/** The same as a filter under a live device, which must hold ciphertext. */
export function defineCryptFilter(settings: CryptSettings = {}): FilterType {
  return asFilter(defineCrypt(settings), { altitude: '220000', knowsIntegrity: true });
}

/** Everything under a key, as the kernel's dm-crypt does it. */
export const crypt: TargetType = defineCrypt();

/** The same as a filter under a live device, which must hold ciphertext. */
export const cryptFilter: FilterType = defineCryptFilter();
