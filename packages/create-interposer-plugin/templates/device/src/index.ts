/**
 * The `plugin-name` device: a disk in memory whose new sectors hold a pattern.
 *
 * @packageDocumentation
 */
// Only what is exported here is public. Programs and the command find the type among the exports; importing does nothing.
export { pluginNameDevice } from './plugin-name.ts';
