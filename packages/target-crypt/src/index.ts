/**
 * The `crypt` target and filter, which encrypt a device as the kernel's dm-crypt does, and the key ring of their tables.
 *
 * @packageDocumentation
 */
export { type KeyInfo, KeyRing, type KeyType } from './key-ring.ts';
export { crypt, cryptFilter, type CryptSettings, defineCrypt, defineCryptFilter, keyRing } from './type.ts';
