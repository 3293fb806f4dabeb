import {
  ChunkField,
  ChunkFlag,
  ChunkType,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REPLY_MAGIC,
  ExtendedChunkField,
  NbdCommand,
  NbdError,
  SIMPLE_REPLY_MAGIC,
  SimpleReplyField,
  STRUCTURED_REPLY_MAGIC,
} from '@interposer/nbd-protocol';
import type { ArenaSource } from './arena.ts';
import type { Dialect } from './dialect.ts';
import { writeU16, writeU32, writeU64 } from './integers.ts';
import type { Request } from './request.ts';

/** Reads up to this size lie in the arena behind their header. */
const LARGEST_INLINE = 32 * 1024;

const COOKIE_BYTES = 8;
const OFFSET_BYTES = 8;

/** An OFFSET_HOLE chunk says the offset and the size. */
const HOLE_BYTES = 12;

/** What a hole's header has more than that of data. */
const HOLE_MORE_BYTES = 4;

/**
 * Gives the reply of a request its place, and writes its header as that of a request which will go well, with the cookie,
 * which is copied from the request's.
 */
export function placeReply(
  request: Request,
  dialect: Dialect,
  arenas: ArenaSource,
  from: Buffer,
  cookieAt: number,
): void {
  const { command, length, crooked, error } = request;
  const reading = command === NbdCommand.Read && error === NbdError.None && length > 0;
  request.inlineBytes = reading && !crooked && length <= LARGEST_INLINE ? length : 0;
  request.headBytes = reading ? dialect.dataHeadBytes : dialect.doneBytes;
  const room = request.headBytes + (reading ? Math.max(request.inlineBytes, HOLE_MORE_BYTES) : 0);
  const arena = arenas.withRoom(room);
  request.arena = arena;
  request.slot = arena.used;
  arena.used += room;
  arena.users++;
  writeHeader(request, dialect, from, cookieAt);
}

/** Makes the reply of a read that found nothing but zeroes say so, without the data. */
export function replyWithHole(request: Request, { extended }: Dialect): void {
  const { buffer } = request.arena!;
  const at = request.slot;
  writeU16(buffer, at + ChunkField.Type, ChunkType.OffsetHole);
  if (extended) writeU64(buffer, at + ExtendedChunkField.Length, HOLE_BYTES);
  else writeU32(buffer, at + ChunkField.Length, HOLE_BYTES);
  writeU32(buffer, at + request.headBytes, request.length);
  request.headBytes += HOLE_MORE_BYTES;
  request.inlineBytes = 0;
}

function writeHeader(request: Request, dialect: Dialect, from: Buffer, cookieAt: number): void {
  const { buffer } = request.arena!;
  const at = request.slot;
  // In extended headers the offset follows the cookie, in the request and in the reply.
  const copied = dialect.extended ? COOKIE_BYTES + OFFSET_BYTES : COOKIE_BYTES;
  const to = at + ChunkField.Cookie;
  for (let i = 0; i < copied; i++) buffer[to + i] = from[cookieAt + i]!;
  if (dialect.extended) writeExtended(request);
  else if (request.headBytes === dialect.dataHeadBytes && dialect.chunked) writeStructured(request);
  else {
    writeU32(buffer, at + SimpleReplyField.Magic, SIMPLE_REPLY_MAGIC);
    writeU32(buffer, at + SimpleReplyField.Error, request.error);
  }
}

function writeStructured({ arena, slot, offset, length }: Request): void {
  const { buffer } = arena!;
  writeU32(buffer, slot + ChunkField.Magic, STRUCTURED_REPLY_MAGIC);
  writeU16(buffer, slot + ChunkField.Flags, ChunkFlag.Done);
  writeU16(buffer, slot + ChunkField.Type, ChunkType.OffsetData);
  writeU32(buffer, slot + ChunkField.Length, OFFSET_BYTES + length);
  writeU64(buffer, slot + ChunkField.Length + 4, offset);
}

function writeExtended({ arena, slot, offset, length, headBytes }: Request): void {
  const { buffer } = arena!;
  const reading = headBytes > EXTENDED_REPLY_BYTES;
  writeU32(buffer, slot + ChunkField.Magic, EXTENDED_REPLY_MAGIC);
  writeU16(buffer, slot + ChunkField.Flags, ChunkFlag.Done);
  writeU16(buffer, slot + ChunkField.Type, reading ? ChunkType.OffsetData : ChunkType.None);
  writeU64(buffer, slot + ExtendedChunkField.Length, reading ? OFFSET_BYTES + length : 0);
  if (reading) writeU64(buffer, slot + EXTENDED_REPLY_BYTES, offset);
}
