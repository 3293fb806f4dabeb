/**
 * The `plugin-name` target: a run of sectors of another device, whose bytes are veiled by a key.
 *
 * @packageDocumentation
 */
// Only what is exported here is public. Programs and the command find the type among the exports; importing does nothing.
export { pluginNameTarget } from './plugin-name.ts';
