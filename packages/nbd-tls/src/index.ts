/**
 * TLS for NBD, which starts inside a connection: certificates and pre-shared keys as libnbd, nbdkit and qemu keep them.
 *
 * @packageDocumentation
 */
export { acceptTls, type SecureConnection } from './accept-tls.ts';
export type { Certificates } from './certificates.ts';
export { type ClientTls, readClientTls, type TlsPlace } from './client-settings.ts';
export { connectTls } from './connect-tls.ts';
export { describeTlsError, NbdTlsError, type NbdTlsErrorCode } from './errors.ts';
export type { TlsPeer } from './peer.ts';
export { readServerTls, type ServerTls, type ServerTlsOptions } from './server-settings.ts';
export type { SharedKeys } from './shared-keys.ts';
