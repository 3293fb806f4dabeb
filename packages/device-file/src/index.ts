/**
 * A block device on a disk image or a block special file, for Interposer.
 *
 * @packageDocumentation
 */
export { file } from './file.ts';
