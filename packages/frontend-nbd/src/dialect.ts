import {
  EXTENDED_REPLY_BYTES,
  EXTENDED_REQUEST_BYTES,
  REQUEST_BYTES,
  SIMPLE_REPLY_BYTES,
  STRUCTURED_REPLY_BYTES,
} from '@interposer/nbd-protocol';

const OFFSET_BYTES = 8;

/** The form of requests and replies that a client has negotiated. */
export interface Dialect {
  readonly name: 'simple' | 'structured' | 'extended';
  /** Replies are chunks: answers to reads and block status always, errors too. */
  readonly chunked: boolean;
  /** Headers of 32 bytes with 64-bit lengths both ways, and no simple replies at all. */
  readonly extended: boolean;
  /** Bytes of a request's header. */
  readonly requestBytes: number;
  /** Bytes of a reply in front of the data of a read. */
  readonly dataHeadBytes: number;
  /** Bytes of the reply to a request without data that went well. */
  readonly doneBytes: number;
}

/** What every client gets that asks for nothing else. */
export const simple: Dialect = {
  name: 'simple',
  chunked: false,
  extended: false,
  requestBytes: REQUEST_BYTES,
  dataHeadBytes: SIMPLE_REPLY_BYTES,
  doneBytes: SIMPLE_REPLY_BYTES,
};

/** After STRUCTURED_REPLY. What has no data and went well may still be answered simply, which is shorter. */
export const structured: Dialect = {
  name: 'structured',
  chunked: true,
  extended: false,
  requestBytes: REQUEST_BYTES,
  dataHeadBytes: STRUCTURED_REPLY_BYTES + OFFSET_BYTES,
  doneBytes: SIMPLE_REPLY_BYTES,
};

/** After EXTENDED_HEADERS. */
export const extended: Dialect = {
  name: 'extended',
  chunked: true,
  extended: true,
  requestBytes: EXTENDED_REQUEST_BYTES,
  dataHeadBytes: EXTENDED_REPLY_BYTES + OFFSET_BYTES,
  doneBytes: EXTENDED_REPLY_BYTES,
};
