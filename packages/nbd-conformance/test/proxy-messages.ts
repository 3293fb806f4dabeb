import { EXTENDED_REPLY_MAGIC, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC } from '@interposer/nbd-protocol';

/** A request on its way to the server. */
export interface Request {
  flags: number;
  readonly type: number;
  readonly cookie: bigint;
  offset: bigint;
  length: bigint;
  readonly data: Buffer;
}

/** A reply, or a chunk of one, on its way to the client. */
export interface Answer {
  readonly kind: 'simple' | 'structured' | 'extended';
  /** Of a chunk. */
  flags: number;
  type: number;
  /** Of a simple reply. */
  error: number;
  cookie: bigint;
  /** Of an extended chunk. */
  offset: bigint;
  payload: Buffer;
}

export function encodeRequest(
  { flags, offset, length, data }: Request,
  head: Buffer,
  extended: boolean,
): Buffer {
  const header = Buffer.from(head);
  header.writeUInt16BE(flags, 4);
  header.writeBigUInt64BE(offset, 16);
  if (extended) header.writeBigUInt64BE(length, 24);
  else header.writeUInt32BE(Number(length), 24);
  return Buffer.concat([header, data]);
}

export function encodeAnswer({ kind, flags, type, error, cookie, offset, payload }: Answer): Buffer {
  const header = Buffer.alloc({ simple: 16, structured: 20, extended: 32 }[kind]);
  const magic = {
    simple: SIMPLE_REPLY_MAGIC,
    structured: STRUCTURED_REPLY_MAGIC,
    extended: EXTENDED_REPLY_MAGIC,
  };
  header.writeUInt32BE(magic[kind], 0);
  header.writeBigUInt64BE(cookie, 8);
  if (kind === 'simple') {
    header.writeUInt32BE(error, 4);
    return Buffer.concat([header, payload]);
  }
  header.writeUInt16BE(flags, 4);
  header.writeUInt16BE(type, 6);
  if (kind === 'structured') header.writeUInt32BE(payload.length, 16);
  else {
    header.writeBigUInt64BE(offset, 16);
    header.writeBigUInt64BE(BigInt(payload.length), 24);
  }
  return Buffer.concat([header, payload]);
}
