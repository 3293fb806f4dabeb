/**
 * Makes packages with an Interposer filter, target or device.
 *
 * @packageDocumentation
 */
export { createPlugin, type MadePlugin, type PluginRequest } from './create-plugin.ts';
export { Refusal } from './errors.ts';
export { type Kind, KINDS } from './kinds.ts';
