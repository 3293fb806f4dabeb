import {
  EXPORT_NAME_PADDING_BYTES,
  EXPORT_NAME_REPLY_BYTES,
  GREETING_BYTES,
  NBD_MAGIC,
  OPTION_HEADER_BYTES,
  OPTION_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
} from './constants.ts';
import { hasMagic, readU64, writeMagic, writeU64 } from './integers.ts';

const NO_DATA = Buffer.alloc(0);

/** The first 18 bytes of a fixed newstyle server. */
export function encodeGreeting(handshakeFlags: number): Buffer {
  const greeting = Buffer.allocUnsafe(GREETING_BYTES);
  writeMagic(greeting, 0, NBD_MAGIC);
  writeMagic(greeting, 8, OPTION_MAGIC);
  greeting.writeUInt16BE(handshakeFlags, 16);
  return greeting;
}

/** The handshake flags in a greeting; null for that of anything but a newstyle server. */
export function decodeGreeting(greeting: Buffer): number | null {
  if (!hasMagic(greeting, 0, NBD_MAGIC) || !hasMagic(greeting, 8, OPTION_MAGIC)) return null;
  return greeting.readUInt16BE(16);
}

/** A client's answer to the greeting. */
export function encodeClientFlags(flags: number): Buffer {
  const answer = Buffer.allocUnsafe(4);
  answer.writeUInt32BE(flags, 0);
  return answer;
}

/** An option with its data. */
export function encodeOption(option: number, data: Buffer = NO_DATA): Buffer {
  const header = Buffer.allocUnsafe(OPTION_HEADER_BYTES);
  writeMagic(header, 0, OPTION_MAGIC);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

/** Number and data length of an option; null if it does not start with the magic number. */
export function decodeOptionHeader(header: Buffer): { option: number; length: number } | null {
  if (!hasMagic(header, 0, OPTION_MAGIC)) return null;
  return { option: header.readUInt32BE(8), length: header.readUInt32BE(12) };
}

/** A reply to an option with its data. */
export function encodeOptionReply(option: number, type: number, data: Buffer = NO_DATA): Buffer {
  const header = Buffer.allocUnsafe(OPTION_REPLY_HEADER_BYTES);
  writeMagic(header, 0, OPTION_REPLY_MAGIC);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(type, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}

/** What the header of a reply to an option says; null if it does not start with the magic number. */
export function decodeOptionReplyHeader(
  header: Buffer,
): { option: number; type: number; length: number } | null {
  if (!hasMagic(header, 0, OPTION_REPLY_MAGIC)) return null;
  return {
    option: header.readUInt32BE(8),
    type: header.readUInt32BE(12),
    length: header.readUInt32BE(16),
  };
}

/** The answer to EXPORT_NAME; with padding for a client that did not ask to have none. */
export function encodeExportNameReply(size: number, flags: number, padded: boolean): Buffer {
  const reply = Buffer.alloc(EXPORT_NAME_REPLY_BYTES + (padded ? EXPORT_NAME_PADDING_BYTES : 0));
  writeU64(reply, 0, size);
  reply.writeUInt16BE(flags, 8);
  return reply;
}

/** Size in bytes and transmission flags, from the first ten bytes of the answer to EXPORT_NAME. */
export function decodeExportNameReply(reply: Buffer): { size: number; flags: number } {
  return { size: readU64(reply, 0), flags: reply.readUInt16BE(8) };
}
