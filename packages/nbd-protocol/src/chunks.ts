import {
  ChunkType,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REPLY_MAGIC,
  STRUCTURED_REPLY_BYTES,
  STRUCTURED_REPLY_MAGIC,
} from './constants.ts';
import { readU64, writeU64 } from './integers.ts';
import { decodeText } from './text.ts';
import { ChunkField, ExtendedChunkField } from './transmission.ts';

/** The header of a reply chunk. */
export interface ChunkHeader {
  /** Bits of `ChunkFlag`. */
  readonly flags: number;
  /** One of `ChunkType`. */
  readonly type: number;
  /** The cookie of the request as two numbers of 32 bits. */
  readonly cookieHigh: number;
  readonly cookieLow: number;
  /** Bytes of the payload. */
  readonly length: number;
  /** Of the request, in bytes; in extended headers only. */
  readonly offset?: number;
}

/** A run of bytes in an answer to BLOCK_STATUS; what its flags mean is up to the context. */
export interface StatusExtent {
  readonly length: number;
  readonly flags: number;
}

/** What an ERROR or ERROR_OFFSET chunk says. */
export interface ChunkError {
  /** One of `NbdError`, or a number that is not known here. */
  readonly error: number;
  readonly message: string;
  /** In bytes; of ERROR_OFFSET. */
  readonly offset?: number;
}

/** Header and payload of a chunk with a structured header, or with an extended one if an offset is given. */
export function encodeChunk(header: Omit<ChunkHeader, 'length'>, payload: Uint8Array): Buffer {
  const { flags, type, cookieHigh, cookieLow, offset } = header;
  const extended = offset !== undefined;
  const head = Buffer.allocUnsafe(extended ? EXTENDED_REPLY_BYTES : STRUCTURED_REPLY_BYTES);
  head.writeUInt32BE(extended ? EXTENDED_REPLY_MAGIC : STRUCTURED_REPLY_MAGIC, ChunkField.Magic);
  head.writeUInt16BE(flags, ChunkField.Flags);
  head.writeUInt16BE(type, ChunkField.Type);
  head.writeUInt32BE(cookieHigh, ChunkField.Cookie);
  head.writeUInt32BE(cookieLow, ChunkField.Cookie + 4);
  if (extended) {
    writeU64(head, ExtendedChunkField.Offset, offset);
    writeU64(head, ExtendedChunkField.Length, payload.length);
  } else {
    head.writeUInt32BE(payload.length, ChunkField.Length);
  }
  return Buffer.concat([head, payload]);
}

/** The header of a structured or an extended chunk, told apart by its magic number; null for anything else. */
export function decodeChunkHeader(bytes: Buffer): ChunkHeader | null {
  const magic = bytes.readUInt32BE(ChunkField.Magic);
  if (magic !== STRUCTURED_REPLY_MAGIC && magic !== EXTENDED_REPLY_MAGIC) return null;
  const common = {
    flags: bytes.readUInt16BE(ChunkField.Flags),
    type: bytes.readUInt16BE(ChunkField.Type),
    cookieHigh: bytes.readUInt32BE(ChunkField.Cookie),
    cookieLow: bytes.readUInt32BE(ChunkField.Cookie + 4),
  };
  if (magic === STRUCTURED_REPLY_MAGIC) return { ...common, length: bytes.readUInt32BE(ChunkField.Length) };
  return {
    ...common,
    offset: readU64(bytes, ExtendedChunkField.Offset),
    length: readU64(bytes, ExtendedChunkField.Length),
  };
}

/** Payload of an ERROR chunk, or of an ERROR_OFFSET chunk if there is an offset. */
export function encodeChunkError({ error, message, offset }: ChunkError): Buffer {
  const text = Buffer.from(message, 'utf8');
  const payload = Buffer.alloc(6 + text.length + (offset === undefined ? 0 : 8));
  payload.writeUInt32BE(error, 0);
  payload.writeUInt16BE(text.length, 4);
  text.copy(payload, 6);
  if (offset !== undefined) writeU64(payload, 6 + text.length, offset);
  return payload;
}

/** What the payload of an ERROR or ERROR_OFFSET chunk says; null if it is malformed. */
export function decodeChunkError(type: number, payload: Buffer): ChunkError | null {
  if (payload.length < 6) return null;
  const error = payload.readUInt32BE(0);
  const end = 6 + payload.readUInt16BE(4);
  const hasOffset = type === ChunkType.ErrorOffset;
  if (error === 0 || payload.length !== end + (hasOffset ? 8 : 0)) return null;
  const message = decodeText(payload.subarray(6, end));
  if (message === null) return null;
  return hasOffset ? { error, message, offset: readU64(payload, end) } : { error, message };
}

/** Payload of a BLOCK_STATUS chunk: the id of a context and its extents, which have fewer than 2^32 bytes each. */
export function encodeBlockStatus(id: number, extents: readonly StatusExtent[]): Buffer {
  const payload = Buffer.allocUnsafe(4 + 8 * extents.length);
  payload.writeUInt32BE(id, 0);
  extents.forEach(({ length, flags }, index) => {
    payload.writeUInt32BE(length, 4 + 8 * index);
    payload.writeUInt32BE(flags, 8 + 8 * index);
  });
  return payload;
}

/** Payload of a BLOCK_STATUS_EXT chunk. */
export function encodeExtendedBlockStatus(id: number, extents: readonly StatusExtent[]): Buffer {
  const payload = Buffer.allocUnsafe(8 + 16 * extents.length);
  payload.writeUInt32BE(id, 0);
  payload.writeUInt32BE(extents.length, 4);
  extents.forEach(({ length, flags }, index) => {
    writeU64(payload, 8 + 16 * index, length);
    writeU64(payload, 16 + 16 * index, flags);
  });
  return payload;
}

/** What the payload of a BLOCK_STATUS or BLOCK_STATUS_EXT chunk says; null if it is malformed. */
export function decodeBlockStatus(
  type: number,
  payload: Buffer,
): { id: number; extents: StatusExtent[] } | null {
  const extended = type === ChunkType.BlockStatusExtended;
  const [start, each] = extended ? [8, 16] : [4, 8];
  const count = (payload.length - start) / each;
  if (!Number.isInteger(count) || count < 1) return null;
  if (extended && payload.readUInt32BE(4) !== count) return null;
  const extents = Array.from({ length: count }, (_, index) => {
    const at = start + each * index;
    return extended
      ? { length: readU64(payload, at), flags: readU64(payload, at + 8) }
      : { length: payload.readUInt32BE(at), flags: payload.readUInt32BE(at + 4) };
  });
  if (extents.some(({ length }) => length === 0)) return null;
  return { id: payload.readUInt32BE(0), extents };
}
