import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fail, fromSystemError } from '@interposer/core';
import { checkInside, type LuksStorage } from './storage.ts';

/** An image that is open. */
export interface ImageFile extends LuksStorage {
  close(): Promise<void>;
}

/** How to open an image. */
export interface ImageFileOptions {
  /** Made, of this size in bytes, if it is not there or empty. */
  readonly create?: number;
}

/**
 * Opens an image file as a storage. Nothing is locked: a change of the header is refused with EBUSY when it is not the one
 * that was read. EINVAL for what is no regular file: open it as a device, and take `portStorage`.
 */
export async function openImageFile(
  path: string,
  mode: 'read' | 'write',
  options: ImageFileOptions = {},
): Promise<ImageFile> {
  const file = await openFile(path, mode, options.create !== undefined);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw fail('EINVAL', `${path} is no regular file`);
    // One that holds something keeps its size.
    if (options.create === undefined || stat.size > 0) return imageFile(path, file, stat.size);
    await file.truncate(options.create);
    return imageFile(path, file, options.create);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Only its owner may read a new file: it will hold a header, with key slots to guess at. */
const NEW_FILE_MODE = 0o600;

async function openFile(path: string, mode: 'read' | 'write', create: boolean): Promise<FileHandle> {
  try {
    if (mode === 'read') return await open(path, 'r');
    return await open(path, create ? constants.O_RDWR | constants.O_CREAT : 'r+', NEW_FILE_MODE);
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

function imageFile(path: string, file: FileHandle, bytes: number): ImageFile {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fromSystemError(error, path);
    }
  };
  return {
    bytes,
    read: async (offset, length) => {
      checkInside({ bytes }, offset, length);
      const buffer = Buffer.alloc(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await guarded(() => file.read(buffer, done, length - done, offset + done));
        if (bytesRead === 0) throw fail('EIO', `${path} became shorter while it was read`);
        done += bytesRead;
      }
      return buffer;
    },
    write: async (offset, data) => {
      checkInside({ bytes }, offset, data.length);
      for (let done = 0; done < data.length;) {
        const { bytesWritten } = await guarded(() =>
          file.write(data, done, data.length - done, offset + done),
        );
        done += bytesWritten;
      }
    },
    flush: () => guarded(() => file.datasync()),
    close: () => file.close(),
  };
}
