import { ChunkType, decodeChunkError } from '@interposer/nbd-protocol';
import { hex } from './names.ts';
import type { Sent } from './request.ts';
import { expect } from './rule.ts';

/** A chunk of a reply. */
export interface Chunk {
  readonly flags: number;
  readonly type: number;
  readonly payload: Buffer;
  /** Of extended headers. */
  readonly offset?: bigint;
}

/** The whole answer to a request. */
export interface Reply {
  readonly request: Sent;
  /** Whether it came as a simple reply. */
  readonly simple: boolean;
  /** 0 for success. */
  readonly error: number;
  readonly chunks: readonly Chunk[];
  /** What a successful READ read; bytes that no chunk covers are zero. */
  readonly data: Buffer | null;
}

/** The error that the chunks of a reply tell; 0 for success. */
export function errorOf(chunks: readonly Chunk[]): number {
  const chunk = chunks.find(({ type }) => (type & 0x8000) !== 0);
  if (chunk === undefined) return 0;
  const decoded = decodeChunkError(chunk.type, chunk.payload);
  if (decoded !== null) return decoded.error;
  expect(chunk.payload.length >= 4, `an error chunk is malformed: ${hex(chunk.payload)}`);
  return chunk.payload.readUInt32BE(0);
}

/** What the content chunks say, as far as it lies within the request. */
export function assemble(request: Sent, chunks: readonly Chunk[]): Buffer {
  const data = Buffer.alloc(Number(request.length));
  for (const { type, payload } of chunks) {
    if (type !== ChunkType.OffsetData || payload.length < 8) continue;
    const at = payload.readBigUInt64BE(0) - request.offset;
    if (at >= 0n && at < request.length) payload.copy(data, Number(at), 8);
  }
  return data;
}
