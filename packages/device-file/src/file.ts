import { realpath } from 'node:fs/promises';
import { defineDriver, type DriverType, fail, fromSystemError } from '@interposer/core';
import { loadFfi } from './ffi.ts';
import { openImage } from './open-image.ts';
import { systemCalls } from './syscalls.ts';

/**
 * A plain path, or `file:PATH`: a disk image or a block special file, under its real path, so that two ways to one file
 * are one device.
 */
export const file: DriverType = defineDriver({
  name: 'file',
  version: [1, 0, 0],
  schemes: ['file'],
  takesPaths: true,
  major: 7,
  async identify(spec) {
    try {
      return await realpath(spec);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        throw fail('ENOENT', `there is no file "${spec}"`, error);
      throw fromSystemError(error, `cannot find "${spec}"`);
    }
  },
  async open(request) {
    return openImage(request, systemCalls(await loadFfi()));
  },
});
