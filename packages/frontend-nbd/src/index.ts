/**
 * An NBD server for devices of Interposer.
 *
 * @packageDocumentation
 */
export type { NbdAddress, NbdEvent, NbdExport, NbdExportState, NbdServerOptions } from './options.ts';
export { NbdServer } from './server.ts';
