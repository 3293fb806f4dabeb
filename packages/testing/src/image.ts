import { stat } from 'node:fs/promises';
import { createEngine, fail, fromSystemError, type Port, SECTOR_SIZE } from '@interposer/core';
import { file } from '@interposer/device-file';
import { piecesOf, writePiece } from './sparse.ts';

/** What can be put on a new disk. */
export interface Contents {
  /** In bytes. */
  readonly size: number;
  /** Writes them to a device that is zeroes and at least as large. */
  fill(port: Port): Promise<void>;
}

/** An image in a file, or a block special file. It is read only, once, and its holes are not read. */
export class ImageFile implements Contents {
  readonly size: number;
  readonly #path: string;

  private constructor(size: number, path: string) {
    this.size = size;
    this.#path = path;
  }

  /** ENOENT and the like where it cannot be opened, EBUSY where somebody writes to it, EINVAL for no whole sectors. */
  static async find(path: string): Promise<ImageFile> {
    const size = await withFile(path, async (port) => port.limits.sectors * SECTOR_SIZE);
    const stats = await stat(path).catch((error: unknown) => {
      throw fromSystemError(error, `cannot find "${path}"`);
    });
    if (!stats.isFile() || stats.size === size) return new ImageFile(size, path);
    throw fail(
      'EINVAL',
      `"${path}" has ${String(stats.size)} bytes, no whole number of sectors of ${SECTOR_SIZE}`,
    );
  }

  fill(port: Port): Promise<void> {
    return withFile(this.#path, async (source) => {
      for await (const piece of piecesOf(source)) await writePiece(port, piece);
    });
  }
}

async function withFile<Result>(path: string, use: (port: Port) => Promise<Result>): Promise<Result> {
  const engine = createEngine({ types: [file] });
  try {
    const port = await engine.open(`file:${path}`, { mode: 'read', claim: 'shared' });
    try {
      return await use(port);
    } finally {
      port.close();
    }
  } finally {
    await engine.close();
  }
}
