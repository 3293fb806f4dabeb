import { type FileHandle, open } from 'node:fs/promises';
import type { Sink } from '../io.ts';
import type { Destination, Source } from './sides.ts';

/** The input side on a file of this machine. */
export async function openSource(name: string, path: string, skip: number): Promise<Source> {
  const file = await open(path, 'r');
  let position = skip;
  // What cannot be positioned, a pipe for one, is read as it comes.
  const positioned = (await file.stat()).isFile();
  if (!positioned) await throwAway(file, skip);
  return {
    name,
    read: async (length) => {
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await file.read(buffer, 0, length, positioned ? position : null);
      position += bytesRead;
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

const SCRATCH = 65_536;

async function throwAway(file: FileHandle, bytes: number): Promise<void> {
  const scratch = Buffer.allocUnsafe(SCRATCH);
  for (let left = bytes; left > 0;) {
    const { bytesRead } = await file.read(scratch, 0, Math.min(left, SCRATCH), null);
    if (bytesRead === 0) return;
    left -= bytesRead;
  }
}

/** The output side on a file of this machine: cut off at the start position, unless it is to keep its rest. */
export async function openDestination(
  name: string,
  path: string,
  seek: number,
  notrunc: boolean,
): Promise<Destination> {
  const file = await openForWriting(path);
  const positioned = (await file.stat()).isFile();
  if (positioned && !notrunc) await file.truncate(seek);
  let position = seek;
  return {
    name,
    write: async (data) => {
      for (let done = 0; done < data.length;) {
        const { bytesWritten } = await file.write(
          data,
          done,
          data.length - done,
          positioned ? position : null,
        );
        done += bytesWritten;
        position += bytesWritten;
      }
      return data.length;
    },
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

/** Made if it is not there, not emptied if it is. */
async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(path, 'wx+');
  }
}

/** The input side on a stream. */
export async function streamSource(
  name: string,
  stream: AsyncIterable<Uint8Array | string>,
  skip: number,
): Promise<Source> {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const read = async (length: number): Promise<Uint8Array> => {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return new Uint8Array(0);
      rest = Buffer.from(next.value);
    }
    const data = rest.subarray(0, length);
    rest = rest.subarray(data.length);
    return data;
  };
  for (let left = skip; left > 0;) {
    const { length } = await read(left);
    if (length === 0) break;
    left -= length;
  }
  return { name, read, close: () => Promise.resolve() };
}

/** The output side on a stream. */
export function streamDestination(name: string, sink: Sink): Destination {
  return {
    name,
    write: (data) => {
      sink.write(data);
      return Promise.resolve(data.length);
    },
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
