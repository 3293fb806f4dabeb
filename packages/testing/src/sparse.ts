import { type FileHandle, open } from 'node:fs/promises';
import { fromSystemError, type Port, SECTOR_SIZE } from '@interposer/core';

/** Contents are copied, kept and compared with zeroes in pieces of this size. */
export const PIECE: number = 64 * 1024;

const PIECE_SECTORS = PIECE / SECTOR_SIZE;
const ZEROES = Buffer.alloc(PIECE);

/** A piece of a disk that is not all zeroes; its number counts pieces from the start of the disk. */
export interface Piece {
  readonly number: number;
  /** Shorter at the end of a disk. */
  readonly data: Buffer;
}

/** Everything on a device that is not zero. What the device says reads as zeroes is not read. */
export async function* piecesOf(port: Port): AsyncGenerator<Piece> {
  const { sectors } = port.limits;
  let next = 0;
  for (const extent of await port.extents(0, sectors)) {
    if (extent.zero) continue;
    const end = Math.ceil((extent.sector + extent.count) / PIECE_SECTORS);
    for (let number = Math.max(next, Math.floor(extent.sector / PIECE_SECTORS)); number < end; number++) {
      const first = number * PIECE_SECTORS;
      const bytes = await port.read(first, Math.min(PIECE_SECTORS, sectors - first));
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (!data.equals(ZEROES.subarray(0, data.length))) yield { number, data };
    }
    next = end;
  }
}

/** Writes a piece to where it was. */
export async function writePiece(port: Port, { number, data }: Piece): Promise<void> {
  await port.write(number * PIECE_SECTORS, data);
}

/** Writes contents of a size in bytes into a file, which takes room only where they are not zero. */
export async function savePieces(path: string, size: number, pieces: Iterable<Piece>): Promise<void> {
  try {
    const file = await open(path, 'w', 0o666);
    try {
      await file.truncate(size);
      for (const { number, data } of pieces) await writeAll(file, data, number * PIECE);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fromSystemError(error, `cannot save the disk to "${path}"`);
  }
}

/** A single write may take less than it is given. */
async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    done += (await file.write(data, done, data.length - done, position + done)).bytesWritten;
  }
}
