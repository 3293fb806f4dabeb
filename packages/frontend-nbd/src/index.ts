/**
 * An NBD server for devices of Interposer.
 *
 * @packageDocumentation
 */
export { ACCESS_GRAMMAR } from './access.ts';
export { type InheritedSocket, inheritedSockets } from './activation.ts';
export type {
  NbdAddress,
  NbdBlockSizes,
  NbdEvent,
  NbdExport,
  NbdExportState,
  NbdInheritedAddress,
  NbdServerOptions,
  NbdTcpAddress,
  NbdUnixAddress,
} from './options.ts';
export { NbdServer } from './server.ts';
export type { NbdTlsOptions } from './tls.ts';
