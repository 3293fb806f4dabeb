/**
 * The `crypt` target and filter, which encrypt a device as the kernel's dm-crypt does.
 *
 * @packageDocumentation
 */
export { crypt, cryptFilter, type CryptSettings, defineCrypt, defineCryptFilter } from './type.ts';
