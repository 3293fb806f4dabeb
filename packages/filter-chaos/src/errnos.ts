import { ERROR_CODES, type ErrorCode } from '@interposer/core';

/** What the Linux block layer fails requests with beside the codes of core. Kernel: block/blk-core.c, blk_errors. */
const BLOCK_LAYER: Readonly<Record<string, number>> = {
  EAGAIN: 11,
  EBADE: 52,
  ETIME: 62,
  ENOLINK: 67,
  EOVERFLOW: 75,
  EREMOTEIO: 121,
};

/** A code of core that borrows its number from an errno of another meaning. */
const BORROWED: ErrorCode = 'EAPI';

/** The number of each errno that has a name here. */
export const ERRNOS: ReadonlyMap<string, number> = new Map([
  ...(Object.keys(ERROR_CODES) as ErrorCode[])
    .filter((code) => code !== BORROWED)
    .map((code) => [code, ERROR_CODES[code].errno] as const),
  ...Object.entries(BLOCK_LAYER),
]);

/** The largest errno there is. Kernel: MAX_ERRNO. */
export const MAX_ERRNO = 4095;

const NAMES = new Map([...ERRNOS].map(([name, errno]) => [errno, name]));

/** An errno by name or number: its name where it has one here. Undefined for what is none. */
export function parseErrno(text: string): string | number | undefined {
  if (ERRNOS.has(text)) return text;
  if (text === 'EOPNOTSUPP') return 'ENOTSUP';
  const errno = /^\d+$/.test(text) ? Number(text) : 0;
  if (errno < 1 || errno > MAX_ERRNO) return undefined;
  return NAMES.get(errno) ?? errno;
}

/** The number of an errno that `parseErrno` gave. */
export function errnoOf(code: string | number): number {
  return typeof code === 'number' ? code : ERRNOS.get(code)!;
}
