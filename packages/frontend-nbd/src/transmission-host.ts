import type { BufferPool } from '@interposer/core';
import type { Socket } from 'node:net';
import type { Export } from './export.ts';
import type { Agreement } from './negotiation-host.ts';

/** What a transmission needs of the connection it belongs to. */
export interface TransmissionHost {
  /** The client broke the protocol: no more of it. */
  violation(message: string): void;
  /** Every reply is sent and no request will come. */
  finished(): void;
  /** Requests can be read again. */
  unblocked(): void;
}

/** What a transmission works with. */
export interface TransmissionOptions {
  readonly socket: Socket;
  readonly exported: Export;
  readonly pool: BufferPool;
  /** Where bytes come in before the client writes for the first time; shared with other connections. */
  readonly receiveBuffer: Buffer;
  readonly maxBufferedBytes: number;
  /** Requests in flight, beyond which no further one is read. */
  readonly maxRequests: number;
  readonly agreement: Agreement;
}
