import { truncateSync, writeFileSync } from 'node:fs';
import { chmod, constants, copyFile } from 'node:fs/promises';
import { type Engine, fromSystemError, type Port, SECTOR_SIZE } from '@interposer/core';

/** Sectors that are looked at, and copied, at a time. */
const WINDOW = 64 * 1024;
const PIECE = 2048;

/** Of images, which may hold what is not for everybody. */
const MODE = 0o600;

/** An empty image of so many bytes, which takes no room. A file that is there already is replaced. */
export function makeSparse(path: string, bytes: number): void {
  try {
    writeFileSync(path, '', { mode: MODE });
    truncateSync(path, bytes);
  } catch (error) {
    throw fromSystemError(error, `${path} of ${String(bytes)} bytes cannot be made`);
  }
}

/**
 * A copy of an image of whole sectors: one that shares its blocks where the file system can do that, else one that has holes where
 * the image reads as zeroes.
 */
export async function copyImage(engine: Engine, from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    // It has the mode of the other, which may be one that nobody writes to.
    await chmod(to, MODE);
    return;
  } catch {
    // The usual case: few file systems can.
  }
  const source = await engine.open(from, { mode: 'read', claim: 'shared', holder: 'copy' });
  try {
    makeSparse(to, source.limits.sectors * SECTOR_SIZE);
    const target = await engine.open(to, { mode: 'write', claim: 'exclusive', holder: 'copy' });
    try {
      await copyData(source, target);
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

/** Copies what does not read as zeroes to a disk of the same size that has nothing but zeroes. */
export async function copyData(source: Port, target: Port): Promise<void> {
  const { sectors } = source.limits;
  const buffer = Buffer.alloc(PIECE * SECTOR_SIZE);
  for (let at = 0; at < sectors; at += WINDOW) {
    const extents = await source.extents(at, Math.min(WINDOW, sectors - at));
    for (const { sector, count, zero } of extents) {
      if (!zero) await copyRange(source, target, buffer, sector, sector + count);
    }
  }
}

async function copyRange(
  source: Port,
  target: Port,
  buffer: Buffer,
  first: number,
  end: number,
): Promise<void> {
  for (let at = first; at < end; at += PIECE) {
    const count = Math.min(PIECE, end - at);
    const piece = buffer.subarray(0, count * SECTOR_SIZE);
    await source.read(at, count, piece);
    if (!isZero(piece)) await target.write(at, piece);
  }
}

const ZEROES = Buffer.alloc(PIECE * SECTOR_SIZE);

function isZero(piece: Buffer): boolean {
  return piece.equals(ZEROES.subarray(0, piece.length));
}
