import { open, stat } from 'node:fs/promises';
import { createEngine, type Engine, fail, fromSystemError, type Port, SECTOR_SIZE } from '@interposer/core';
import { file } from '@interposer/device-file';
import {
  type FecLayout,
  layOutFec,
  loadEvpDigests,
  treeStart,
  type VerityParams,
} from '@interposer/format-verity';
import type { Offsets } from './settings.ts';

/** Runs some work on image files and block devices, and gives them up afterwards. */
export async function withImages<T>(
  report: (message: string) => void,
  work: (images: Images) => Promise<T>,
): Promise<T> {
  await loadEvpDigests();
  const engine = createEngine({ types: [file] });
  engine.onEvent(({ message }) => {
    report(message);
  });
  const images = new Images(engine);
  try {
    return await work(images);
  } finally {
    images.close();
    await engine.close();
  }
}

/** Opens files: the same one may be data, tree and parity. */
export class Images {
  readonly #engine: Engine;
  readonly #ports: Port[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  read(path: string): Promise<Port> {
    return this.#open(path, 'read');
  }

  write(path: string): Promise<Port> {
    return this.#open(path, 'write');
  }

  close(): void {
    for (const port of this.#ports) port.close();
  }

  async #open(path: string, mode: 'read' | 'write'): Promise<Port> {
    const port = await this.#engine.open(path, { mode, claim: 'shared', holder: 'verity' });
    this.#ports.push(port);
    return port;
  }
}

/** Makes an image file that there is not, and makes one longer that is too short; what is no file stays as it is. */
export async function growFile(path: string, bytes: number): Promise<void> {
  try {
    const handle = await open(path, 'a', 0o600);
    try {
      const found = await handle.stat();
      if (found.isFile() && found.size < bytes) await handle.truncate(bytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/** Whether two paths name the same file or device. */
export async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}

/** Bytes of a device. */
export function bytesOf({ limits }: Port): number {
  return limits.sectors * SECTOR_SIZE;
}

/**
 * How parity covers an image: the data, and the hash device from the tree to its end, or to the parity where that is on the
 * same device. veritysetup: VERITY_FEC_blocks.
 */
export function fecLayoutOf(
  params: VerityParams,
  { hashOffset, hasSuperblock, fecOffset, fecRoots }: Offsets,
  hash: Port,
  isSameDevice: boolean,
): FecLayout {
  const end = isSameDevice ? fecOffset : bytesOf(hash);
  const start = treeStart(hashOffset, params.hashBlockSize, hasSuperblock);
  const blocks = Math.floor(end / params.dataBlockSize) - start;
  if (blocks < 0) throw fail('EINVAL', `--fec-offset ${String(fecOffset)}: in front of the tree of hashes`);
  return layOutFec(params, fecRoots, params.dataBlocks + blocks);
}
