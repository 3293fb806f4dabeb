import { SECTOR_SIZE, Status } from '@interposer/core';
import {
  ChunkField,
  ChunkFlag,
  ChunkType,
  decodeBlockStatus,
  decodeChunkError,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REPLY_MAGIC,
  ExtendedChunkField,
  MAX_EXTENTS,
  NbdCommand,
  readU64,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  SimpleReplyField,
  STRUCTURED_REPLY_MAGIC,
} from '@interposer/nbd-protocol';
import type { RemoteExport } from './handshake.ts';
import { statusOf } from './statuses.ts';
import { wordsOf } from './option-exchange.ts';
import type { Request } from './request.ts';

/** The offset before the data of a chunk; with a length, all of a hole; the length of a structured chunk. */
const OFFSET_BYTES = 8;
const HOLE_BYTES = 12;
const LENGTH_BYTES = 4;

/** More than any error that may be: four thousand bytes of text. */
const LARGEST_ERROR = 8192;
const LARGEST_STATUS = 8 + 16 * MAX_EXTENTS;

const NO_PAYLOAD = Buffer.alloc(0);

/** In a chunk of a type that is not known: whether it is an error. */
const ERROR_BIT = 0x8000;

/** What comes next: the first sixteen bytes of a header, which are alike in all kinds; its other bytes; a payload. */
const Stage = { Header: 0, Length: 1, ExtendedTail: 2, DataOffset: 3, Payload: 4 } as const;

/** Who gets what a reader finds. */
export interface ReplySink {
  /** The request with that cookie, sent on this connection; null if there is none. */
  find(place: number, use: number): Request | null;
  /** The answer is complete; its first error is in `request.status`. */
  answered(request: Request): void;
  /** The server said something about an error. */
  said(request: Request, words: string): void;
  /** The server broke the protocol. Nothing it says afterwards is read. */
  violated(reason: string): void;
}

/**
 * What the answers of a server mean: simple, structured or extended. Each byte of a read is told of once; what the protocol
 * forbids ends the connection. The reader brings the parts that are asked for in `need`, and data to their place.
 */
export class ReplyParser {
  /** Bytes of the part that comes next. */
  need: number = SIMPLE_REPLY_BYTES;
  /** The read whose data come next, in place of a part; they are for the bytes from `at` to `end` of its window. */
  reading: Request | null = null;
  at = 0;
  end = 0;
  isOpen = true;
  readonly #sink: ReplySink;
  readonly #remote: RemoteExport;
  #stage: number = Stage.Header;
  /** The request, and of a chunk what its header says. */
  #request: Request | null = null;
  #done = true;
  #type: number = ChunkType.None;
  #length = 0;

  constructor(remote: RemoteExport, sink: ReplySink) {
    this.#remote = remote;
    this.#sink = sink;
  }

  /** Nothing more is taken, not even what has come. */
  close(): void {
    this.isOpen = false;
    this.reading = null;
    this.#request = null;
  }

  /** All data that were expected have come. */
  finishData(): void {
    this.reading = null;
    this.#finishChunk();
  }

  /** What was needed is there. */
  take(buffer: Buffer, at: number): void {
    if (this.#stage === Stage.Header) this.#takeHeader(buffer, at);
    else if (this.#stage === Stage.Length) this.#takeLength(buffer.readUInt32BE(at));
    else if (this.#stage === Stage.ExtendedTail) this.#takeExtendedTail(buffer, at - SIMPLE_REPLY_BYTES);
    else if (this.#stage === Stage.DataOffset) this.#takeDataOffset(readU64(buffer, at));
    else this.#takePayload(buffer, at);
  }

  #await(stage: number, bytes: number): void {
    this.#stage = stage;
    this.need = bytes;
  }

  #takeHeader(buffer: Buffer, at: number): void {
    // All three kinds have the cookie in one place.
    const use = buffer.readUInt32BE(at + ChunkField.Cookie);
    const request = this.#sink.find(buffer.readUInt32BE(at + ChunkField.Cookie + 4), use);
    const magic = buffer.readUInt32BE(at + ChunkField.Magic);
    const { headers } = this.#remote;
    this.#request = request;
    if (request === null) this.#violated('the server sent what is no reply to any request');
    else if (magic === SIMPLE_REPLY_MAGIC && headers !== 'extended') {
      this.#takeSimple(request, buffer.readUInt32BE(at + SimpleReplyField.Error));
    } else if (magic === STRUCTURED_REPLY_MAGIC && headers === 'structured') {
      this.#takeChunkHeader(buffer, at);
      this.#await(Stage.Length, LENGTH_BYTES);
    } else if (magic === EXTENDED_REPLY_MAGIC && headers === 'extended') {
      this.#takeChunkHeader(buffer, at);
      this.#await(Stage.ExtendedTail, EXTENDED_REPLY_BYTES - SIMPLE_REPLY_BYTES);
    } else this.#violated('the server sent what is no reply to any request');
  }

  #takeSimple(request: Request, error: number): void {
    const { command } = request;
    this.#done = true;
    if (
      this.#remote.headers !== 'simple' &&
      (command === NbdCommand.Read || command === NbdCommand.BlockStatus)
    ) {
      this.#violated('the server answered with a simple reply where only a structured one may be');
      return;
    }
    request.status = statusOf(error);
    if (error !== 0 || command !== NbdCommand.Read) this.#finishChunk();
    else this.#awaitData(request, 0, request.count * SECTOR_SIZE);
  }

  #takeChunkHeader(buffer: Buffer, at: number): void {
    this.#done = (buffer.readUInt16BE(at + ChunkField.Flags) & ChunkFlag.Done) !== 0;
    this.#type = buffer.readUInt16BE(at + ChunkField.Type);
  }

  /** `at` is where the header began. */
  #takeExtendedTail(buffer: Buffer, at: number): void {
    const request = this.#request!;
    const offset = readU64(buffer, at + ExtendedChunkField.Offset);
    // A flush behind a write has no offset.
    const sent = request.flushing ? 0 : request.sector * SECTOR_SIZE;
    if (offset !== sent) this.#violated('the server answered with another offset than that of the request');
    else this.#takeLength(readU64(buffer, at + ExtendedChunkField.Length));
  }

  /** The header is complete: what the payload is to be. */
  #takeLength(length: number): void {
    const { command } = this.#request!;
    const type = this.#type;
    this.#length = length;
    const isRead = command === NbdCommand.Read;
    if (type === ChunkType.OffsetData && isRead && length > OFFSET_BYTES) {
      this.#await(Stage.DataOffset, OFFSET_BYTES);
    } else if (type === ChunkType.None && this.#done && length === 0) this.#finishChunk();
    else if (type === ChunkType.OffsetHole && isRead && length === HOLE_BYTES) this.#awaitPayload();
    else if (type === this.#statusType && command === NbdCommand.BlockStatus && length <= LARGEST_STATUS) {
      this.#awaitPayload();
    } else if ((type & ERROR_BIT) !== 0 && length <= LARGEST_ERROR) this.#awaitPayload();
    else this.#violated(`the server sent a chunk of type ${type} and length ${length} that may not be`);
  }

  get #statusType(): number {
    return this.#remote.headers === 'extended' ? ChunkType.BlockStatusExtended : ChunkType.BlockStatus;
  }

  #awaitPayload(): void {
    this.#await(Stage.Payload, this.#length);
    // Nothing may come after it, so it is taken at once.
    if (this.#length === 0) this.#takePayload(NO_PAYLOAD, 0);
  }

  #takeDataOffset(offset: number): void {
    const request = this.#request!;
    const start = offset - request.sector * SECTOR_SIZE;
    const end = start + this.#length - OFFSET_BYTES;
    if (this.#covers(request, start, end)) this.#awaitData(request, start, end);
  }

  /** Whether a chunk may tell of that part of the read, which it then has. */
  #covers(request: Request, start: number, end: number): boolean {
    const isInside = start >= 0 && end > start && end <= request.count * SECTOR_SIZE;
    if (isInside && request.cover(start, end)) return true;
    this.#violated('the server sent data that were not asked for, or twice');
    return false;
  }

  #awaitData(request: Request, start: number, end: number): void {
    if (this.#remote.headers === 'simple') request.received = end;
    this.reading = request;
    this.at = start;
    this.end = end;
  }

  #takePayload(buffer: Buffer, at: number): void {
    const request = this.#request!;
    if (this.#type === ChunkType.OffsetHole) {
      const start = readU64(buffer, at) - request.sector * SECTOR_SIZE;
      const end = start + buffer.readUInt32BE(at + OFFSET_BYTES);
      if (!this.#covers(request, start, end)) return;
      request.buffer.fill(0, request.bufferOffset + start, request.bufferOffset + end);
      this.#finishChunk();
      return;
    }
    const payload = buffer.subarray(at, at + this.#length);
    if ((this.#type & ERROR_BIT) !== 0) this.#takeError(request, payload);
    else this.#takeStatus(request, payload);
  }

  #takeStatus(request: Request, payload: Buffer): void {
    const found = decodeBlockStatus(this.#type, payload);
    if (found === null || found.id !== this.#remote.allocation || request.extents !== undefined) {
      this.#violated('the server sent a malformed status of blocks, or one that was not asked for');
      return;
    }
    request.extents = found.extents;
    this.#finishChunk();
  }

  #takeError(request: Request, payload: Buffer): void {
    const isKnown = this.#type === ChunkType.Error || this.#type === ChunkType.ErrorOffset;
    const error = isKnown ? decodeChunkError(this.#type, payload) : null;
    if (isKnown && (error === null || !isWithin(request, error.offset))) {
      this.#violated('the server sent a malformed error');
      return;
    }
    if (request.status === Status.Ok) request.status = error === null ? Status.Io : statusOf(error.error);
    if (error !== null && error.message !== '') this.#sink.said(request, wordsOf(Buffer.from(error.message)));
    this.#finishChunk();
  }

  #finishChunk(): void {
    this.#await(Stage.Header, SIMPLE_REPLY_BYTES);
    if (!this.#done) return;
    const request = this.#request!;
    this.#request = null;
    if (request.command === NbdCommand.Read && request.status === Status.Ok) this.#checkWhole(request);
    this.#sink.answered(request);
  }

  #checkWhole(request: Request): void {
    if (request.received === request.count * SECTOR_SIZE) return;
    request.status = Status.Io;
    this.#sink.said(request, 'the server left a part of the data out');
  }

  #violated(reason: string): void {
    this.close();
    this.#sink.violated(reason);
  }
}

/** Whether an error points into its request, if it points anywhere. */
function isWithin({ sector, count }: Request, offset: number | undefined): boolean {
  if (offset === undefined) return true;
  return offset >= sector * SECTOR_SIZE && offset < (sector + count) * SECTOR_SIZE;
}
