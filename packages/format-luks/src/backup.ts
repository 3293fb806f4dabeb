import { fail, isInterposerError } from '@interposer/core';
import { exclusively } from './exclusively.ts';
import { readHeader } from './read-luks.ts';
import { type LuksStorage, memoryStorage } from './storage.ts';
import type { Area, HeaderVolume, LuksVolume } from './volume.ts';

/** More than the largest header of LUKS2 with all its key slots. That of LUKS1 can say where they are, and lie. */
const MOST_BYTES = 2 ** 28;

/**
 * A copy of the header with all key slots, as `cryptsetup luksHeaderBackup` writes it. Whoever has it opens the volume
 * with a passphrase that was good then. EINVAL if there is no header that can be read, or one that is too large.
 */
export async function backupHeader(storage: LuksStorage): Promise<Buffer> {
  const { headerBytes } = await readHeader(storage);
  if (headerBytes > MOST_BYTES) {
    throw fail(
      'EINVAL',
      `the key slots reach up to byte ${String(headerBytes)}: no more than ${String(MOST_BYTES)} are saved`,
    );
  }
  return storage.read(0, headerBytes);
}

/** How to restore a header. */
export interface RestoreOptions {
  /** Also where the device has no header, or one of another volume. */
  readonly force?: boolean;
}

/**
 * Writes a backup back. EINVAL if it holds no header, if that would be larger or has its data elsewhere; EEXIST if the
 * device has another volume's, or none. With LUKS2, and with LUKS1 but for its two sectors themselves, a header is there at
 * every moment; a key slot whose place both headers use, for different keys, opens only when it is done: keep the backup.
 */
export async function restoreHeader(
  storage: LuksStorage,
  backup: Buffer,
  { force = false }: RestoreOptions = {},
): Promise<LuksVolume> {
  const bytes = Buffer.from(backup);
  const saved = await readHeader(memoryStorage(bytes));
  const { headerBytes } = saved;
  if (headerBytes > bytes.length) {
    throw fail('EINVAL', `the backup has ${String(bytes.length)} bytes instead of ${String(headerBytes)}`);
  }
  if (headerBytes > storage.bytes) {
    throw fail(
      'ENOSPC',
      `the header takes ${String(headerBytes)} bytes, the device has ${String(storage.bytes)}`,
    );
  }
  await saved.repair();
  return exclusively(storage, async () => {
    const there = force ? await headerIfAny(storage) : await expectSame(storage, saved);
    for (const step of stepsOf(saved, there)) {
      for (const { offset, size } of step) await storage.write(offset, bytes.subarray(offset, offset + size));
      if (step.length > 0) await storage.flush();
    }
    return readHeader(storage);
  });
}

/**
 * What to write, one after the other. First the key slots of the backup: those that do not touch what is in use, then the
 * others. The old header opens with all but the latter until a part of the new one stands in place of the copy of LUKS2 that
 * is not read, and then of the other. What is left overwrites the old key slots.
 */
function stepsOf(saved: HeaderVolume, there: HeaderVolume | undefined): readonly (readonly Area[])[] {
  const used = there?.areas ?? [];
  const touches = (area: Area): boolean => used.some((other) => overlap(area, other));
  const parts = there !== undefined && isAlike(saved, there) ? there.headerParts : saved.headerParts;
  const end = endOf(saved);
  return [
    saved.areas.filter((area) => !touches(area)),
    saved.areas.filter(touches),
    ...parts.map((part) => [part]),
    [{ offset: end, size: saved.headerBytes - end }],
  ];
}

function overlap(one: Area, other: Area): boolean {
  return one.offset < other.offset + other.size && other.offset < one.offset + one.size;
}

function isAlike(one: HeaderVolume, other: HeaderVolume): boolean {
  return (
    one.version === other.version && one.headerBytes === other.headerBytes && endOf(one) === endOf(other)
  );
}

/** Of the header without its key slots. */
function endOf({ headerParts }: HeaderVolume): number {
  return Math.max(...headerParts.map(({ offset, size }) => offset + size));
}

async function headerIfAny(storage: LuksStorage): Promise<HeaderVolume | undefined> {
  return readHeader(storage).catch((error: unknown) => {
    if (!isInterposerError(error)) throw error;
    return undefined;
  });
}

async function expectSame(storage: LuksStorage, saved: HeaderVolume): Promise<HeaderVolume> {
  const there = await readHeader(storage).catch((error: unknown) => {
    if (!isInterposerError(error)) throw error;
    throw fail('EEXIST', `the device has no header to be replaced: ${error.message}`, error);
  });
  if (there.uuid !== saved.uuid) {
    throw fail('EEXIST', `the device has the volume ${there.uuid}, the backup is of ${saved.uuid}`);
  }
  if (!isAlike(there, saved)) {
    throw fail('EINVAL', 'the header on the device and the one in the backup differ in version or size');
  }
  const [now, then] = [there.data(), saved.data()];
  if (now.offset !== then.offset) {
    throw fail(
      'EINVAL',
      `the data begins at byte ${String(now.offset)}, in the backup at ${String(then.offset)}`,
    );
  }
  return there;
}
