import { fail } from '@interposer/core';
import { Errno } from './errno.ts';
import type { Ffi } from './ffi.ts';
import type { LockRequest } from './image-lock.ts';

// Linux: fcntl.h. These belong to the open file, not to the process, and go when it is closed.
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

// QEMU: file-posix.c, raw_apply_lock_bytes and raw_check_lock_bytes. A read lock on byte 100 + n means "I use permission
// n", one on byte 200 + n "nobody else may".
const USES = 100;
const DENIES = 200;
const READ = 0;
const WRITE = 1;
const RESIZE = 3;

/**
 * Locks bytes of the file as qemu does for an image without sharing: nobody else may write or resize it. EBUSY when somebody
 * does or forbids what we want. A file system that knows no locks is reported and let be.
 */
export async function byteLocks(ffi: Ffi, { fd, path, readOnly, log }: LockRequest): Promise<void> {
  const uses = readOnly ? [READ] : [READ, WRITE];
  const denies = [WRITE, RESIZE];
  for (const start of [...uses.map((n) => USES + n), ...denies.map((n) => DENIES + n)]) {
    const result = await ffi.lock(fd, F_OFD_SETLK, { type: F_RDLCK, start, length: 1 });
    if (result === -Errno.Again || result === -Errno.Access) throw taken(path);
    if (result < 0) {
      log(`${path}: cannot be locked against other programs: fcntl failed with errno ${-result}`);
      return;
    }
  }
  for (const start of [...uses.map((n) => DENIES + n), ...denies.map((n) => USES + n)]) {
    // What a write lock would meet: own locks do not count.
    const inTheWay = await ffi.lock(fd, F_OFD_GETLK, { type: F_WRLCK, start, length: 1 });
    if (inTheWay !== F_UNLCK) throw taken(path);
  }
}

function taken(path: string): Error {
  return fail('EBUSY', `"${path}" is locked by another program, such as qemu`);
}
