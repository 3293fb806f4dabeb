import type { BufferPool, Clock } from '@interposer/core';
import type { Client } from './client.ts';
import type { Connection } from './connection.ts';
import type { Export } from './export.ts';
import type { Refusal } from './negotiation-host.ts';
import type { NbdEvent } from './options.ts';
import type { TlsPolicy } from './tls.ts';

/** What all connections of a server share. */
export interface ConnectionContext {
  readonly pool: BufferPool;
  /** Bytes from any socket come in here until its client writes, and are used or copied before the next read. */
  readonly receiveBuffer: Buffer;
  readonly maxBufferedBytes: number;
  readonly maxRequests: number;
  readonly handshakeTimeout: number;
  /** Infinity: a client may be idle as long as it likes. */
  readonly idleTimeout: number;
  readonly tls: TlsPolicy;
  readonly clock: Clock;
  find(name: string): Export | undefined;
  list(): readonly Export[];
  refusal(exported: Export, client: Client, opening: boolean): Refusal | null;
  event(event: NbdEvent): void;
  /** Nothing of a connection is left. */
  closed(connection: Connection): void;
}
