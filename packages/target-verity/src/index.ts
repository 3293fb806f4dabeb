/**
 * The `verity` target and the `verity` filter: data that is checked against a tree of hashes whenever it is read.
 *
 * @packageDocumentation
 */
export type { Emergency } from './damage.ts';
export type { SignatureTrust } from './signature.ts';
export { verity, verityFilter, verityFilterType, type VerityOptions, verityTarget } from './type.ts';
