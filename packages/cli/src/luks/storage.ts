import { stat } from 'node:fs/promises';
import { fail, SECTOR_SIZE } from '@interposer/core';
import type { LuksStorage } from '@interposer/format-luks';
import { userFile } from '../user-file.ts';
import type { Command } from '../verb.ts';
import { deviceService } from '../verbs/dd.ts';
import { opening } from './exit-code.ts';
import { formatLuksPackage } from './package.ts';

/** How to open the place of a header. */
export interface StorageRequest {
  /** An image file, or a device as every verb takes it. */
  readonly word: string;
  readonly mode: 'read' | 'write';
  /** Make the image, of so many bytes, if it is not there. */
  readonly create?: number;
}

/**
 * Works with an image or a device. A file is opened here, with no daemon; it may be in use by one, whose crypt target keeps
 * away from the header. All else is a device of the daemon.
 */
export async function withStorage<T>(
  command: Command,
  request: StorageRequest,
  work: (storage: LuksStorage) => Promise<T>,
): Promise<T> {
  const { word, mode, create } = request;
  const path = userFile(command, word);
  const { openImageFile, sectorStorage } = await formatLuksPackage();
  const service = await deviceService(command, word);
  if (service === undefined && (await isImage(path))) {
    const image = await opening(() => openImageFile(path, mode, create === undefined ? {} : { create }));
    try {
      return await work(image);
    } finally {
      await image.close();
    }
  }
  const devices = service ?? (await command.service());
  const { device, sectors, logicalBlock } = await opening(() => devices.hold(word, mode));
  try {
    const storage = sectorStorage({
      sectors,
      logicalBlock,
      read: (sector, count) => devices.read(device, sector, count),
      write: (sector, data) => devices.write(device, sector, data),
      flush: () => devices.flush(device),
    });
    return await work(storage);
  } finally {
    await devices.release(device);
  }
}

/** EBUSY if the daemon that is running uses an image or device. */
export async function expectUnused(command: Command, word: string): Promise<void> {
  const service = (await deviceService(command, word)) ?? (await command.runningService());
  if (service === undefined) return;
  const { device } = await opening(() => service.hold(word, 'read'));
  try {
    const devices = await service.listDevices();
    const found = devices.find(({ major, minor }) => `${String(major)}:${String(minor)}` === device);
    // One of them is this command.
    if ((found?.openCount ?? 0) > 1) throw fail('EBUSY', `${word} is in use: see interposer device ls`);
  } finally {
    await service.release(device);
  }
}

/** Bytes of an image or device. */
export async function sizeOf(command: Command, word: string): Promise<number> {
  const service = await deviceService(command, word);
  const found =
    service === undefined ? await stat(userFile(command, word)).catch(() => undefined) : undefined;
  if (found?.isFile() === true) return found.size;
  const devices = service ?? (await command.service());
  const { device, sectors } = await opening(() => devices.hold(word, 'read'));
  await devices.release(device);
  return sectors * SECTOR_SIZE;
}

/** A file, or what could become one; a block device is none. */
async function isImage(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => !found.isBlockDevice(),
    () => true,
  );
}
