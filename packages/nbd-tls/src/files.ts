import { readFileSync } from 'node:fs';
import { NbdTlsError } from './errors.ts';

/** The bytes of a file, or null where there is none. EACCES, EINVAL: it is there and cannot be read. */
export function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    const mine = code === 'EACCES' || code === 'EPERM' ? 'EACCES' : 'EINVAL';
    throw new NbdTlsError(mine, `${path} cannot be read: ${(error as Error).message}`, error);
  }
}

/** The bytes of a file. ENOENT names what is missing and what it is for. */
export function readNeeded(path: string, purpose: string): Buffer {
  const bytes = readIfThere(path);
  if (bytes === null) throw new NbdTlsError('ENOENT', `${path} is missing: ${purpose}`);
  return bytes;
}
