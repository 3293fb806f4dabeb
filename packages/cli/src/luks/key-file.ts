import { type FileHandle, open } from 'node:fs/promises';
import { fail, fromSystemError, isInterposerError } from '@interposer/core';

/** As with cryptsetup: a larger key file is one by mistake. */
export const LARGEST_KEY_FILE: number = 2 ** 23;

/** What of a file is the key. */
export interface KeyPart {
  /** Bytes before it. */
  readonly offset: number;
  /** Bytes of it; undefined: all that follow, up to `LARGEST_KEY_FILE`. */
  readonly size: number | undefined;
}

/**
 * The key from a stream, of which no more is read than is needed: it can be a disk, or have no end. What was read is overwritten,
 * whatever happens, but for the result: the caller wipes it. `skip` are bytes that have still to be left out. EINVAL if it is
 * empty, too short or too large.
 */
export async function readKey(
  source: AsyncIterable<Uint8Array | string>,
  label: string,
  part: KeyPart,
  skip: number = part.offset,
): Promise<Buffer> {
  // One byte more than is allowed, to see whether there is more.
  const buffer = Buffer.alloc(part.size ?? LARGEST_KEY_FILE + 1);
  let [before, length] = [skip, 0];
  try {
    for await (const chunk of source) {
      const bytes = bytesOf(chunk);
      const start = Math.min(before, bytes.length);
      before -= start;
      length += bytes.copy(buffer, length, start);
      bytes.fill(0);
      if (length === buffer.length) break;
    }
    checkLength(label, length, part);
    return Buffer.from(buffer.subarray(0, length));
  } finally {
    buffer.fill(0, 0, length);
  }
}

/** The bytes themselves, not a copy, so that they can be overwritten. */
export function bytesOf(chunk: Uint8Array | string): Buffer {
  return typeof chunk === 'string'
    ? Buffer.from(chunk)
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}

function checkLength(label: string, length: number, { offset, size }: KeyPart): void {
  if (length > LARGEST_KEY_FILE) {
    throw fail('EINVAL', `${label}: more than ${String(LARGEST_KEY_FILE)} bytes are too much for a key`);
  }
  if (length >= (size ?? 1)) return;
  if (offset === 0 && size === undefined) throw fail('EINVAL', `${label}: it is empty`);
  throw fail(
    'EINVAL',
    `${label}: ${String(size ?? 1)} bytes from byte ${String(offset)} on were asked for, ${String(length)} are there`,
  );
}

/** The same from a file; as `fromSystemError` if it cannot be read. */
export async function readKeyFile(path: string, label: string, part: KeyPart): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      // A pipe can only be read from its start.
      const canSeek = stat.isFile() || stat.isBlockDevice();
      const chunks = chunksOf(file, canSeek ? part.offset : null);
      return await readKey(chunks, label, part, canSeek ? 0 : part.offset);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw isInterposerError(error) ? error : fromSystemError(error, `key file ${path}`);
  }
}

const CHUNK_BYTES = 2 ** 16;

async function* chunksOf(file: FileHandle, start: number | null): AsyncGenerator<Uint8Array> {
  for (let at = start; ;) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return;
    if (at !== null) at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
