/**
 * The `access` filter: rules for ranges of sectors, and a log of what happens there.
 *
 * @packageDocumentation
 */
export { access } from './access.ts';
