import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { fail, fromSystemError } from '@interposer/core';

/** The file that audit lines go to. Tests put one of their own in its place. */
export interface LogFile {
  /** Appends; as `FileHandle.write` it may write less than it is asked to. */
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a log for appending; one that is not there is made. */
export type OpenLogFile = (path: string) => Promise<LogFile>;

/** The file system. EINVAL for a relative path and for what is no regular file, and what the operating system says. */
export const openLogFile: OpenLogFile = async (path) => {
  if (!isAbsolute(path)) {
    throw fail(
      'EINVAL',
      `filter access: log=${path} is a relative path; give an absolute one, for the engine may run in another directory than you`,
    );
  }
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  // Without O_NONBLOCK to open a FIFO would wait for its reader; with it, that fails.
  const handle = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600).catch(
    (error: unknown) => {
      throw fromSystemError(error, `filter access: log=${path}`);
    },
  );
  const isRegular = (await handle.stat()).isFile();
  if (!isRegular) {
    await handle.close();
    throw fail('EINVAL', `filter access: log=${path} is no regular file`);
  }
  return {
    write: (bytes, offset, length) => handle.write(bytes, offset, length, null),
    datasync: () => handle.datasync(),
    close: () => handle.close(),
  };
};
