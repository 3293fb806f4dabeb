import { EXTENDED_REQUEST_MAGIC, REQUEST_MAGIC, SIMPLE_REPLY_MAGIC } from './constants.ts';
import { writeU64 } from './integers.ts';

/*
 * Request, 28 bytes: magic u32, flags u16, type u16, cookie u64, offset u64, length u32; the data of a write follow.
 * Simple reply, 16 bytes: magic u32, error u32, cookie u64; the data of a successful read follow.
 * Structured reply chunk, 20 bytes: magic u32, flags u16, type u16, cookie u64, payload length u32.
 * With extended headers a request has 32 bytes, its length u64; a chunk has 32: after the cookie the offset of the request
 * u64 and the payload length u64.
 */

/** Where the fields of a request lie, for readers that decode in place. */
export const RequestField = { Magic: 0, Flags: 4, Type: 6, Cookie: 8, Offset: 16, Length: 24 } as const;

/** Where the fields of a simple reply lie. */
export const SimpleReplyField = { Magic: 0, Error: 4, Cookie: 8 } as const;

/** Where the fields of a structured reply chunk lie, up to the cookie also those of an extended one. */
export const ChunkField = { Magic: 0, Flags: 4, Type: 6, Cookie: 8, Length: 16 } as const;

/** Where the last fields of an extended reply chunk lie. */
export const ExtendedChunkField = { Offset: 16, Length: 24 } as const;

/** Writes a request; the cookie is two numbers of 32 bits. */
export function writeRequest(
  buffer: Buffer,
  at: number,
  type: number,
  flags: number,
  cookieHigh: number,
  cookieLow: number,
  offset: number,
  length: number,
): void {
  buffer.writeUInt32BE(REQUEST_MAGIC, at + RequestField.Magic);
  writeCommand(buffer, at, type, flags, cookieHigh, cookieLow, offset);
  buffer.writeUInt32BE(length, at + RequestField.Length);
}

/** Writes a request with an extended header. `length` is that of the data of a write, else that of the range. */
export function writeExtendedRequest(
  buffer: Buffer,
  at: number,
  type: number,
  flags: number,
  cookieHigh: number,
  cookieLow: number,
  offset: number,
  length: number,
): void {
  buffer.writeUInt32BE(EXTENDED_REQUEST_MAGIC, at + RequestField.Magic);
  writeCommand(buffer, at, type, flags, cookieHigh, cookieLow, offset);
  writeU64(buffer, at + RequestField.Length, length);
}

/** What both kinds of header have between the magic number and the length. */
function writeCommand(
  buffer: Buffer,
  at: number,
  type: number,
  flags: number,
  cookieHigh: number,
  cookieLow: number,
  offset: number,
): void {
  buffer.writeUInt16BE(flags, at + RequestField.Flags);
  buffer.writeUInt16BE(type, at + RequestField.Type);
  buffer.writeUInt32BE(cookieHigh, at + RequestField.Cookie);
  buffer.writeUInt32BE(cookieLow, at + RequestField.Cookie + 4);
  writeU64(buffer, at + RequestField.Offset, offset);
}

/** Writes a simple reply; the cookie is copied from the request at `cookieAt` of `from`. */
export function writeSimpleReply(
  buffer: Buffer,
  at: number,
  error: number,
  from: Buffer,
  cookieAt: number,
): void {
  buffer.writeUInt32BE(SIMPLE_REPLY_MAGIC, at + SimpleReplyField.Magic);
  buffer.writeUInt32BE(error, at + SimpleReplyField.Error);
  buffer.writeUInt32BE(from.readUInt32BE(cookieAt), at + SimpleReplyField.Cookie);
  buffer.writeUInt32BE(from.readUInt32BE(cookieAt + 4), at + SimpleReplyField.Cookie + 4);
}
