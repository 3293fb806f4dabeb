import type { Clock, Port } from '@interposer/core';
import type { NbdTlsOptions } from './tls.ts';

/** A device that clients can open by name. */
export interface NbdExport {
  /** Empty: the default export. */
  readonly name: string;
  /** Stays its opener's: the server uses its `onLimits`, and never closes it. */
  readonly port: Port;
  readonly description?: string;
  /** Refuse writes though the port could write. */
  readonly readOnly?: boolean;
  /** Those of the device by default, and no rule for clients. */
  readonly blockSizes?: NbdBlockSizes;
  /**
   * Who may use it: clients for whom every word of one of these rules holds; everybody by default. The words are those of
   * `ACCESS_GRAMMAR`, for example `['unix uid=1000', 'tls addr=10.0.0.0/8', 'cert=*.example.org']`.
   */
  readonly allow?: readonly string[];
  /** Connections to it at a time; without limit by default. */
  readonly maxConnections?: number;
}

/** The block sizes that clients are told, in bytes. */
export interface NbdBlockSizes {
  /** A power of two of 1 to 65,536. */
  readonly minimum?: number;
  /** A power of two of at least 512 and the minimum. */
  readonly preferred?: number;
  /** The largest payload of a request; 32 MiB by default and at most. */
  readonly maximum?: number;
  /** Refuse requests that do not keep to them; otherwise they are advice, and any bytes can be read and written. */
  readonly strict?: boolean;
}

/** An export as it is listed. */
export interface NbdExportState {
  readonly name: string;
  readonly description: string;
  readonly readOnly: boolean;
  readonly connections: number;
}

/** A UNIX socket. */
export interface NbdUnixAddress {
  readonly path: string;
  /** Who may connect, as the bits of chmod; its owner only (0o600) by default. To connect takes the right to write. */
  readonly mode?: number;
  /** The group of the socket file, by name or number; that of the process by default. */
  readonly group?: string | number;
}

/** A TCP port (0: any free one) of a host, which is 127.0.0.1 by default. */
export interface NbdTcpAddress {
  readonly host?: string;
  readonly port: number;
}

/** A socket that listens already, as `inheritedSockets` finds it. */
export interface NbdInheritedAddress {
  readonly fd: number;
}

/** Where a server listens. */
export type NbdAddress = NbdUnixAddress | NbdTcpAddress | NbdInheritedAddress;

/** What happened, for a log. Connections are numbered from 1. */
export interface NbdEvent {
  /**
   * `secured`: a client has started TLS. `opened`: it chose an export. `closed`: it is gone. `refused`: a connection too many,
   * or one that the system could not accept, or an export that is not for this client. `violation`: the client broke the protocol, failed in TLS, or took too long to
   * say what it wants, and was cut off. `fault`: a mistake in this server.
   */
  readonly kind: 'secured' | 'opened' | 'closed' | 'refused' | 'violation' | 'fault';
  readonly connection: number;
  /** The export that the connection is for, once it has chosen one. */
  readonly exportName?: string;
  readonly message: string;
}

/** How a server behaves. */
export interface NbdServerOptions {
  /** Milliseconds from connecting to the choice of an export; 30,000 by default. */
  readonly handshakeTimeout?: number;
  /** Connections at a time; one more is closed at once. 1,024 by default. */
  readonly maxConnections?: number;
  /**
   * Bytes that one connection may hold in requests in flight and replies not yet sent, beyond which no further request of
   * it is read. One request may go over it. 32 MiB by default.
   */
  readonly maxBufferedBytes?: number;
  /** Requests that one connection may have in flight, beyond which no further one is read. 16,384 by default. */
  readonly maxRequests?: number;
  /**
   * Milliseconds without a request and with nothing in flight, after which a connection is closed (up to a fifth later);
   * without limit by default.
   */
  readonly idleTimeout?: number;
  /** No TLS by default. */
  readonly tls?: NbdTlsOptions;
  readonly clock?: Clock;
  readonly onEvent?: (event: NbdEvent) => void;
}
