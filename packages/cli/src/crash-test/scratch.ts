import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A private folder for sockets, mount points and images, which goes with the work. */
export async function withScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  // Of mode 0700, as mkdtemp makes it.
  const folder = await mkdtemp(join(tmpdir(), 'interposer-crash-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
