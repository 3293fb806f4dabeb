import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { fail, fromSystemError } from '@interposer/core';
import { hasMagic, MAGIC } from './format.ts';

/** The file that a trace goes to. Tests put one of their own in its place. */
export interface TraceFile {
  /** As `FileHandle.write`: may write less than it is asked to. */
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
  close(): Promise<void>;
  /** Deletes the file, which stays open. */
  remove(): Promise<void>;
}

/** Opens a new file, or with `replace` also a trace that is there, which is emptied. */
export type OpenTraceFile = (path: string, replace: boolean) => Promise<TraceFile>;

/** Files that are being written by this process, as `device:inode`: two traces in one file would be none. */
const inUse = new Set<string>();

/**
 * The file system. EINVAL for a relative path and for what is no regular file, EEXIST for a file that is there, EBUSY for
 * one that a trace of this process is written to, and what the operating system says.
 */
export const openTraceFile: OpenTraceFile = async (path, replace) => {
  if (!isAbsolute(path)) {
    throw fail(
      'EINVAL',
      `filter trace: ${path} is a relative path; give an absolute one, for the engine may run in another directory than you`,
    );
  }
  const { O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK } = constants;
  // Without O_NONBLOCK to open a FIFO would wait for its reader.
  const handle = await open(path, O_RDWR | O_CREAT | (replace ? O_NONBLOCK : O_EXCL), 0o600).catch(
    (error: unknown) => {
      throw openFailure(error, path);
    },
  );
  try {
    const key = await identify(handle, path);
    if (replace) await empty(handle, path, key);
    inUse.add(key);
    return {
      write: (bytes, offset, length, position) => handle.write(bytes, offset, length, position),
      datasync: () => handle.datasync(),
      close: () => {
        inUse.delete(key);
        return handle.close();
      },
      remove: () => unlink(path),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
};

function openFailure(error: unknown, path: string): Error {
  const failure = fromSystemError(error, `filter trace: ${path}`);
  if (failure.code !== 'EEXIST') return failure;
  return fail('EEXIST', `filter trace: ${path} exists; name another file, or say replace=yes`, error);
}

async function identify(handle: FileHandle, path: string): Promise<string> {
  const stat = await handle.stat({ bigint: true });
  if (!stat.isFile()) throw fail('EINVAL', `filter trace: ${path} is no regular file`);
  return `${String(stat.dev)}:${String(stat.ino)}`;
}

/** Only a trace may be lost by a slip of the pen; not, say, the image of a disk. */
async function empty(handle: FileHandle, path: string, key: string): Promise<void> {
  if (inUse.has(key)) throw fail('EBUSY', `filter trace: ${path} is written by another trace`);
  const { buffer, bytesRead } = await handle.read(new Uint8Array(MAGIC.length), 0, MAGIC.length, 0);
  if (bytesRead > 0 && !hasMagic(buffer)) {
    throw fail('EEXIST', `filter trace: ${path} exists and is no trace; replace=yes overwrites traces only`);
  }
  await handle.truncate(0);
}
