import { constants } from 'node:os';
import { Status } from '@interposer/core';

const { errno } = constants;

/** The errno numbers this package tells apart. */
export const Errno: Readonly<Record<'Access' | 'Again' | 'Invalid' | 'NoEntry' | 'NotSup', number>> = {
  Access: errno.EACCES,
  Again: errno.EAGAIN,
  Invalid: errno.EINVAL,
  /** No such data or hole behind a position; no such device. */
  NoEntry: errno.ENXIO,
  NotSup: errno.EOPNOTSUPP,
};

const STATUS_BY_ERRNO = new Map<number, Status>([
  [errno.ENOSPC, Status.NoSpc],
  [errno.EDQUOT, Status.NoSpc],
  [errno.EFBIG, Status.NoSpc],
  [errno.ENOMEM, Status.NoMem],
  [errno.ENODEV, Status.NoDev],
  [errno.ENXIO, Status.NoDev],
  [errno.ENODATA, Status.NoData],
  [errno.EILSEQ, Status.Ilseq],
  [errno.EOPNOTSUPP, Status.NotSup],
  [errno.EROFS, Status.Perm],
  [errno.EPERM, Status.Perm],
  [errno.ETIMEDOUT, Status.TimedOut],
]);

/** What a bio is told of an errno number of either sign: `Io` for all that have no status of their own. */
export function statusOfErrno(number: number): Status {
  return STATUS_BY_ERRNO.get(Math.abs(number)) ?? Status.Io;
}

/** The same of an error that Node reports. */
export function statusOfError(error: NodeJS.ErrnoException): Status {
  return error.errno === undefined ? Status.Io : statusOfErrno(error.errno);
}
