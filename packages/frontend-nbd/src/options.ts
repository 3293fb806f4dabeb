import type { Clock, Port } from '@interposer/core';

/** A device that clients can open by name. */
export interface NbdExport {
  /** Empty: the default export. */
  readonly name: string;
  /** Stays its opener's: the server uses its `onLimits`, and never closes it. */
  readonly port: Port;
  readonly description?: string;
  /** Refuse writes though the port could write. */
  readonly readOnly?: boolean;
}

/** An export as it is listed. */
export interface NbdExportState {
  readonly name: string;
  readonly description: string;
  readonly readOnly: boolean;
  readonly connections: number;
}

/** Where a server listens: a UNIX socket, or a TCP port (0: any free one) of a host, which is 127.0.0.1 by default. */
export type NbdAddress = { readonly path: string } | { readonly host?: string; readonly port: number };

/** What happened, for a log. Connections are numbered from 1. */
export interface NbdEvent {
  /**
   * `opened`: a client chose an export. `closed`: it is gone. `refused`: a connection too many. `violation`: the client
   * broke the protocol, or took too long to say what it wants, and was cut off. `fault`: a mistake in this server.
   */
  readonly kind: 'opened' | 'closed' | 'refused' | 'violation' | 'fault';
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
  readonly clock?: Clock;
  readonly onEvent?: (event: NbdEvent) => void;
}
