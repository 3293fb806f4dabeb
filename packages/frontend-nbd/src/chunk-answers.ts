import {
  ChunkField,
  ChunkFlag,
  ChunkType,
  encodeBlockStatus,
  encodeChunkError,
  encodeExtendedBlockStatus,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REPLY_MAGIC,
  ExtendedChunkField,
  NbdCommand,
  type StatusExtent,
  STRUCTURED_REPLY_BYTES,
  STRUCTURED_REPLY_MAGIC,
} from '@interposer/nbd-protocol';
import type { Dialect } from './dialect.ts';
import { writeU16, writeU32, writeU64 } from './integers.ts';
import type { Request } from './request.ts';

/*
 * Replies in chunks that are not laid out beforehand, because what they say is known at the end only. They are rarer than
 * plain data, so buffers of their own are in order here.
 */

const OFFSET_BYTES = 8;

/** Strings of the protocol should have no more bytes than this. */
const LONGEST_TEXT = 256;

/** What a context says of a range, from its start on. */
export interface ContextAnswer {
  readonly id: number;
  readonly extents: readonly StatusExtent[];
}

/** A part of the data of a read, or a hole among them; in bytes from the start of the request. */
export interface ReadPart {
  readonly start: number;
  readonly bytes: number;
  readonly hole: boolean;
}

/** An error, with the offset at which it is if that is known. */
export function errorAnswer(request: Request, dialect: Dialect, message: string, offset?: number): Buffer[] {
  // Other commands have no parts that could have gone well.
  const located = request.command === NbdCommand.Read && offset !== undefined;
  const text = message.slice(0, LONGEST_TEXT).replaceAll('\0', ' ');
  const payload = encodeChunkError({
    error: request.error,
    message: text,
    ...(located ? { offset } : {}),
  });
  const type = located ? ChunkType.ErrorOffset : ChunkType.Error;
  return [head(request, dialect, type, true, payload.length), payload];
}

/** Nothing to say but that it went well. */
export function doneAnswer(request: Request, dialect: Dialect): Buffer[] {
  return [head(request, dialect, ChunkType.None, true, 0)];
}

/** Data and holes, in order and without gaps; the data lie in a buffer from `dataAt` on. */
export function partsAnswer(
  request: Request,
  dialect: Dialect,
  parts: readonly ReadPart[],
  data: Buffer,
  dataAt: number,
): Buffer[] {
  return parts.flatMap(({ start, bytes, hole }, index) => {
    const last = index === parts.length - 1;
    const type = hole ? ChunkType.OffsetHole : ChunkType.OffsetData;
    const place = Buffer.allocUnsafe(OFFSET_BYTES + (hole ? 4 : 0));
    writeU64(place, 0, request.offset + start);
    if (hole) writeU32(place, OFFSET_BYTES, bytes);
    const length = place.length + (hole ? 0 : bytes);
    const front = [head(request, dialect, type, last, length), place];
    return hole ? front : [...front, data.subarray(dataAt + start, dataAt + start + bytes)];
  });
}

/** What the contexts say, a chunk for each. */
export function statusAnswer(
  request: Request,
  dialect: Dialect,
  answers: readonly ContextAnswer[],
): Buffer[] {
  const type = dialect.extended ? ChunkType.BlockStatusExtended : ChunkType.BlockStatus;
  return answers.flatMap(({ id, extents }, index) => {
    const payload = dialect.extended
      ? encodeExtendedBlockStatus(id, extents)
      : encodeBlockStatus(id, extents);
    return [head(request, dialect, type, index === answers.length - 1, payload.length), payload];
  });
}

/** The header of a chunk; cookie and offset come from the header that the request has in the arena. */
function head(
  { arena, slot }: Request,
  { extended }: Dialect,
  type: number,
  done: boolean,
  length: number,
): Buffer {
  const bytes = Buffer.allocUnsafe(extended ? EXTENDED_REPLY_BYTES : STRUCTURED_REPLY_BYTES);
  const copied = slot + (extended ? ExtendedChunkField.Length : ChunkField.Length);
  arena!.buffer.copy(bytes, ChunkField.Cookie, slot + ChunkField.Cookie, copied);
  writeU32(bytes, ChunkField.Magic, extended ? EXTENDED_REPLY_MAGIC : STRUCTURED_REPLY_MAGIC);
  writeU16(bytes, ChunkField.Flags, done ? ChunkFlag.Done : 0);
  writeU16(bytes, ChunkField.Type, type);
  if (extended) writeU64(bytes, ExtendedChunkField.Length, length);
  else writeU32(bytes, ChunkField.Length, length);
  return bytes;
}
