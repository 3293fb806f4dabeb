/** The sector ciphers of disk encryption: modes and IVs of dm-crypt, fast.
 *
 * @packageDocumentation
 */
export { type CipherJob, CipherPool, type CipherPoolOptions, type JobDone } from './cipher-pool.ts';
export type { EngineName } from './engine.ts';
export { type KeyOptions, keySizes } from './keys.ts';
export { type CipherOptions, loadEngines } from './options.ts';
export { type CipherCall, openSectorCipher, type SectorCipher } from './sector-cipher.ts';
export {
  openTaggedCipher,
  type TaggedCall,
  type TaggedCipher,
  type TaggedCipherOptions,
} from './tagged-cipher.ts';
export { type CipherMode, type CipherSpec, type IvKind, parseCipherSpec, type SpecOptions } from './spec.ts';
