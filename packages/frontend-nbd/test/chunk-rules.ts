import {
  ChunkFlag,
  type ChunkHeader,
  ChunkType,
  CommandFlag,
  decodeBlockStatus,
  decodeChunkError,
  NbdCommand,
  type StatusExtent,
} from '@interposer/nbd-protocol';

/*
 * The rules of replies in chunks: doc/proto.md, "Structured reply chunk message" and what follows there.
 */

export type DialectName = 'simple' | 'structured' | 'extended';

/** A request as it goes over the wire; whatever is in it is sent. */
export interface Order {
  readonly command: number;
  readonly offset?: number | bigint;
  readonly length?: number | bigint;
  readonly flags?: number;
  /** Follows the header. */
  readonly data?: Buffer;
}

/** A data or hole chunk, in bytes of the export. */
export interface Part {
  readonly hole: boolean;
  readonly start: number;
  readonly bytes: number;
}

/** All that a reply said. */
export interface Answer {
  readonly error: number;
  readonly message: string;
  readonly errorOffset: number | undefined;
  /** What was read; empty after an error. */
  readonly data: Buffer;
  readonly parts: readonly Part[];
  /** By the number of the context. */
  readonly status: ReadonlyMap<number, readonly StatusExtent[]>;
  /** Types of the chunks; a simple reply has none. */
  readonly chunks: readonly number[];
}

/** A reply that is coming in. */
export interface Pending {
  readonly order: Required<Omit<Order, 'data'>>;
  readonly data: Buffer;
  readonly parts: Part[];
  readonly status: Map<number, readonly StatusExtent[]>;
  readonly chunks: number[];
  error: number;
  message: string;
  errorOffset: number | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Takes a chunk into the reply; throws if it breaks a rule. */
export function takeChunk(
  pending: Pending,
  header: ChunkHeader,
  payload: Buffer,
  dialect: DialectName,
): void {
  const done = (header.flags & ChunkFlag.Done) !== 0;
  const { command } = pending.order;
  if ((header.flags & ~ChunkFlag.Done) !== 0) throw new Error(`chunk flags ${String(header.flags)}`);
  switch (header.type) {
    case ChunkType.None:
      if (!done || payload.length > 0) throw new Error('a NONE chunk with data or without DONE');
      return;
    case ChunkType.OffsetData:
    case ChunkType.OffsetHole:
      if (command !== NbdCommand.Read) throw new Error(`data for command ${String(command)}`);
      takePart(pending, header.type === ChunkType.OffsetHole, payload);
      return;
    case ChunkType.BlockStatus:
    case ChunkType.BlockStatusExtended: {
      if ((header.type === ChunkType.BlockStatusExtended) !== (dialect === 'extended'))
        throw new Error(`block status of type ${String(header.type)}`);
      const status = decodeBlockStatus(header.type, payload);
      if (status === null || pending.status.has(status.id))
        throw new Error('malformed or doubled block status');
      pending.status.set(status.id, status.extents);
      return;
    }
    case ChunkType.Error:
    case ChunkType.ErrorOffset:
      takeError(pending, header.type, payload);
      return;
    default:
      throw new Error(`a chunk of type ${String(header.type)}`);
  }
}

function takePart(pending: Pending, hole: boolean, payload: Buffer): void {
  const start = Number(payload.readBigUInt64BE(0));
  if (hole && payload.length !== 12) throw new Error(`a hole of ${String(payload.length)} bytes`);
  const bytes = hole ? payload.readUInt32BE(8) : payload.length - 8;
  const from = start - Number(pending.order.offset);
  if (bytes <= 0 || from < 0 || from + bytes > pending.data.length)
    throw new Error('data outside of the range');
  if (pending.parts.some((part) => part.start < start + bytes && start < part.start + part.bytes))
    throw new Error('data came twice');
  pending.parts.push({ hole, start, bytes });
  if (hole) pending.data.fill(0, from, from + bytes);
  else payload.copy(pending.data, from, 8);
}

function takeError(pending: Pending, type: number, payload: Buffer): void {
  const told = decodeChunkError(type, payload);
  if (told === null || Buffer.byteLength(told.message) > 4096) throw new Error('a malformed error');
  const { offset, length } = pending.order;
  if (
    told.offset !== undefined &&
    !(told.offset >= Number(offset) && told.offset < Number(offset) + Number(length))
  )
    throw new Error('an error outside of the range');
  pending.error = told.error;
  pending.message = told.message;
  pending.errorOffset = told.offset;
}

/** What is wrong with a reply that went well. */
export function problemOf(
  { order, parts, status, chunks }: Pending,
  contexts: ReadonlyMap<number, string>,
): string | undefined {
  const { command, flags } = order;
  const length = Number(order.length);
  if (command === NbdCommand.Read) {
    if (parts.reduce((sum, { bytes }) => sum + bytes, 0) !== length) return 'not all of the range came';
    if ((flags & CommandFlag.Df) !== 0 && chunks.length > 1) return 'more than one chunk in spite of DF';
    return undefined;
  }
  if (command !== NbdCommand.BlockStatus) return undefined;
  // With a payload the length is that of the payload.
  if ((flags & CommandFlag.PayloadLength) === 0) {
    if (status.size !== contexts.size) return `${String(status.size)} of ${String(contexts.size)} contexts`;
    for (const extents of status.values()) {
      const problem = problemOfExtents(extents, length, (flags & CommandFlag.ReqOne) !== 0);
      if (problem !== undefined) return problem;
    }
  }
  return [...status.keys()].every((id) => contexts.has(id)) ? undefined : 'a context that was not asked for';
}

function problemOfExtents(
  extents: readonly StatusExtent[],
  length: number,
  one: boolean,
): string | undefined {
  if (extents.length > 2 ** 20) return `${String(extents.length)} extents`;
  if (one && (extents.length !== 1 || extents[0]!.length > length)) return 'not one extent inside the range';
  const before = extents.slice(0, -1).reduce((sum, extent) => sum + extent.length, 0);
  if (before >= length) return 'an extent behind the range';
  return extents.some(({ flags }, index) => flags === extents[index + 1]?.flags)
    ? 'neighbours are alike'
    : undefined;
}
