import { lstat, mkdir, open, stat, unlink } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { type Control, fail, fromSystemError, type PathNode, SECTOR_SIZE } from '@interposer/core';
import { storeSectors, type SnapshotPlan } from '@interposer/live-snapshot';

/** What the name of a store ends with that nobody named. */
const ENDING = '.cow';

/** Where the store of a snapshot is that nobody named: beside the image of the device, or of what that stands on. */
export async function automaticPath(
  control: Control,
  { name, device }: SnapshotPlan,
  stateFolder: string,
): Promise<string> {
  const path = await control.explain(`${String(device.major)}:${String(device.minor)}`);
  for (const image of filesBelow(path)) {
    if (await isFile(image)) return join(dirname(image), `${name}${ENDING}`);
  }
  return join(stateFolder, `${name}${ENDING}`);
}

/**
 * Makes the file of a store: all a hole, of a size in bytes, or by default so large that the store cannot overflow. The file,
 * and its name, are stable when it resolves. EEXIST where there is one.
 */
export async function makeStoreFile(path: string, plan: SnapshotPlan, size?: number): Promise<void> {
  if (!(plan.chunk >= 1)) throw fail('EINVAL', `a chunk of ${String(plan.chunk)} sectors is none`);
  const bytes = size ?? storeSectors(plan.sectors, plan.chunk) * SECTOR_SIZE;
  try {
    const folder = dirname(path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // It holds what the device holds.
    await synced(path, 'wx', async (file) => file.truncate(bytes));
    await synced(folder, 'r', () => Promise.resolve());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw fail('EEXIST', `${path} is there already: what it holds is brought up with snapshot open`, error);
    throw fromSystemError(error, `the store ${path} cannot be made`);
  }
}

/** Deletes the file of a store. Anything else of that name stays. */
export async function deleteStoreFile(path: string): Promise<void> {
  if (isAbsolute(path) && (await isFile(path))) await unlink(path);
}

/** Whether there is nothing of that name. */
export async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
  );
}

async function synced(
  path: string,
  flags: string,
  work: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await work(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The images that a device stands on. */
function filesBelow({ device, driver, rows }: PathNode): string[] {
  if (driver === 'file') return [device.name];
  return rows.flatMap(({ below }) => below.flatMap(filesBelow));
}

async function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
