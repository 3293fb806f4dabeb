/**
 * The `plugin-name` filter: limits how much may be written to a device.
 *
 * @packageDocumentation
 */
// Only what is exported here is public. Programs and the command find the type among the exports; importing does nothing.
export { pluginNameFilter } from './plugin-name.ts';
