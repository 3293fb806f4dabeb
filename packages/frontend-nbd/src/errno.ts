import { Status } from '@interposer/core';
import { NbdError } from '@interposer/nbd-protocol';

// The protocol has few error numbers; clients take any other for EINVAL. NotSup may answer fast zeroes only.
const BY_STATUS: Readonly<Partial<Record<number, NbdError>>> = {
  [Status.Ok]: NbdError.None,
  [Status.Perm]: NbdError.Perm,
  [Status.NoMem]: NbdError.NoMem,
  [Status.Inval]: NbdError.Inval,
  [Status.NoSpc]: NbdError.NoSpc,
  [Status.NotSup]: NbdError.Inval,
  [Status.Shutdown]: NbdError.Shutdown,
};

/** The error number of a reply for the status of a bio: what has none of its own is EIO. */
export function nbdErrorOf(status: Status): NbdError {
  return BY_STATUS[status] ?? NbdError.Io;
}
