import { Status } from '@interposer/core';
import { NbdError } from '@interposer/nbd-protocol';

const STATUSES: Readonly<Partial<Record<number, Status>>> = {
  [NbdError.None]: Status.Ok,
  [NbdError.Perm]: Status.Perm,
  [NbdError.NoMem]: Status.NoMem,
  [NbdError.Inval]: Status.Inval,
  [NbdError.NoSpc]: Status.NoSpc,
  [NbdError.NotSup]: Status.NotSup,
  [NbdError.Shutdown]: Status.Shutdown,
};

/** The status that an error number of a reply stands for; one that is not known is an I/O error. */
export function statusOf(error: number): Status {
  return STATUSES[error] ?? Status.Io;
}
