import {
  NbdCommand,
  NbdError,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  SimpleReplyField,
} from '@interposer/nbd-protocol';
import type { ArenaSource } from './arena.ts';
import { writeU32 } from './integers.ts';
import type { Request } from './request.ts';

/** Reads up to this size lie in the arena behind their header. */
const LARGEST_INLINE = 32 * 1024;

const COOKIE_BYTES = 8;

/** Gives the reply of a request its place, and writes its header with the cookie, which is copied from the request's. */
export function placeReply(request: Request, arenas: ArenaSource, from: Buffer, cookieAt: number): void {
  const { command, length, crooked, error } = request;
  const inline =
    command === NbdCommand.Read && error === NbdError.None && !crooked && length <= LARGEST_INLINE;
  request.inlineBytes = inline ? length : 0;
  const bytes = SIMPLE_REPLY_BYTES + request.inlineBytes;
  const arena = arenas.withRoom(bytes);
  request.arena = arena;
  request.slot = arena.used;
  arena.used += bytes;
  arena.users++;
  writeHeader(arena.buffer, request.slot, error, from, cookieAt);
}

function writeHeader(buffer: Buffer, at: number, error: NbdError, from: Buffer, cookieAt: number): void {
  writeU32(buffer, at + SimpleReplyField.Magic, SIMPLE_REPLY_MAGIC);
  writeU32(buffer, at + SimpleReplyField.Error, error);
  const to = at + SimpleReplyField.Cookie;
  for (let i = 0; i < COOKIE_BYTES; i++) buffer[to + i] = from[cookieAt + i]!;
}
