import { fail, isInterposerError } from '@interposer/core';
import { Luks2Volume } from './luks2/volume.ts';
import { readLuks } from './read-luks.ts';
import { type LuksStorage, memoryStorage } from './storage.ts';
import type { LuksVolume } from './volume.ts';

/**
 * A copy of the header with all key slots, as `cryptsetup luksHeaderBackup` writes it. Whoever has it opens the volume
 * with a passphrase that was good then. EINVAL if there is no header that can be read.
 */
export async function backupHeader(storage: LuksStorage): Promise<Buffer> {
  const { headerBytes } = await readLuks(storage);
  return storage.read(0, headerBytes);
}

/** How to restore a header. */
export interface RestoreOptions {
  /** Also where the device has no header, or one of another volume. */
  readonly force?: boolean;
}

/**
 * Writes a backup back. EINVAL if it holds no header, if that would be larger or has its data elsewhere; EEXIST if the
 * device has another volume's, or none. Until it resolves the device may have no header that opens: keep the backup.
 */
export async function restoreHeader(
  storage: LuksStorage,
  backup: Buffer,
  { force = false }: RestoreOptions = {},
): Promise<LuksVolume> {
  const saved = await readLuks(memoryStorage(backup));
  const { headerBytes } = saved;
  if (headerBytes > backup.length) {
    throw fail('EINVAL', `the backup has ${String(backup.length)} bytes instead of ${String(headerBytes)}`);
  }
  if (headerBytes > storage.bytes) {
    throw fail(
      'ENOSPC',
      `the header takes ${String(headerBytes)} bytes, the device has ${String(storage.bytes)}`,
    );
  }
  if (!force) await expectSame(storage, saved);
  // Key slots first, the copy that is read first last: what is not finished is found out by checksum or digest.
  const copy = saved instanceof Luks2Volume ? saved.copyBytes : LUKS1_BYTES;
  for (const [start, end] of [
    [2 * copy, headerBytes],
    [copy, 2 * copy],
    [0, copy],
  ] as const) {
    await storage.write(start, backup.subarray(start, end));
    await storage.flush();
  }
  return readLuks(storage);
}

/** The header of LUKS1 stands within them, the key slots behind. */
const LUKS1_BYTES = 4096;

async function expectSame(storage: LuksStorage, saved: LuksVolume): Promise<void> {
  const there = await readLuks(storage).catch((error: unknown) => {
    if (!isInterposerError(error)) throw error;
    throw fail('EEXIST', `the device has no header to be replaced: ${error.message}`, error);
  });
  if (there.uuid !== saved.uuid) {
    throw fail('EEXIST', `the device has the volume ${there.uuid}, the backup is of ${saved.uuid}`);
  }
  if (there.version !== saved.version || there.headerBytes !== saved.headerBytes) {
    throw fail('EINVAL', 'the header on the device and the one in the backup differ in version or size');
  }
  const [now, then] = [there.data(), saved.data()];
  if (now.offset !== then.offset) {
    throw fail(
      'EINVAL',
      `the data begins at byte ${String(now.offset)}, in the backup at ${String(then.offset)}`,
    );
  }
}
