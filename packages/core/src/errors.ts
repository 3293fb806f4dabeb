/** A stable error code. */
export type ErrorCode =
  | 'E2BIG'
  | 'EACCES'
  | 'EAGAIN'
  | 'EALREADY'
  | 'EAPI'
  | 'EBUSY'
  | 'EEXIST'
  | 'EFAULT'
  | 'EILSEQ'
  | 'EINVAL'
  | 'EIO'
  | 'ELOOP'
  | 'ENODATA'
  | 'ENODEV'
  | 'ENOENT'
  | 'ENOKEY'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'ENOTSUP'
  | 'ENOTTY'
  | 'ENXIO'
  | 'EPERM'
  | 'EROFS'
  | 'ESHUTDOWN'
  | 'ETIMEDOUT';

/** What a code stands for. */
export interface ErrorInfo {
  readonly errno: number;
  /** One phrase for the documentation. */
  readonly about: string;
}

/**
 * The stable codes of everything that can fail off the data path, with the errno number the C world knows them by.
 * A message may be improved at any time; a code never changes its meaning.
 */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorInfo>> = {
  E2BIG: { errno: 7, about: 'what belongs to the data needs more room than its device has' },
  EACCES: { errno: 13, about: 'the file or device does not permit it, or no passphrase fits' },
  EAGAIN: { errno: 11, about: 'not in this state: something else has to be done first' },
  EALREADY: { errno: 114, about: 'the same filter is attached already' },
  EAPI: { errno: 8, about: 'the plugin was built for another version of the core interface' },
  EBUSY: { errno: 16, about: 'in use: claimed, open, locked, or a name or altitude that is taken' },
  EEXIST: { errno: 17, about: 'something of that name is registered already' },
  EINVAL: {
    errno: 22,
    about:
      'an argument, table, name or state that cannot be accepted; the text says which and what is allowed',
  },
  EIO: { errno: 5, about: 'an I/O error' },
  ELOOP: {
    errno: 40,
    about: 'a device would be stacked on itself, or the stack would be deeper than allowed',
  },
  ENODATA: { errno: 61, about: 'the medium lost this data' },
  ENODEV: { errno: 19, about: 'the device went away' },
  ENOENT: { errno: 2, about: 'no such file, filter, export or option' },
  ENOKEY: { errno: 126, about: 'a key that is not there' },
  ENOMEM: { errno: 12, about: 'a bounded resource is exhausted' },
  ENOSPC: { errno: 28, about: 'beyond the end of the device, or no room below it' },
  ENOTSUP: { errno: 95, about: 'the operation is not supported by a layer on the path' },
  ENOTTY: { errno: 25, about: 'the target or filter takes no messages' },
  ENXIO: { errno: 6, about: 'no such device' },
  EPERM: { errno: 1, about: 'a write to a read-only device' },
  EILSEQ: { errno: 84, about: 'the data failed its integrity check' },
  EROFS: { errno: 30, about: 'the device is open read-only elsewhere, or cannot be opened for writing' },
  ESHUTDOWN: { errno: 108, about: 'the device, engine or server is shutting down' },
  ETIMEDOUT: { errno: 110, about: 'in-flight bios did not drain in time; the text names what holds them' },
  EFAULT: { errno: 14, about: 'a plugin broke its contract and its device is fenced' },
};

/** Every error that core and its plugins raise on purpose. A `TypeError` instead is a mistake of the caller. */
export class InterposerError extends Error {
  override readonly name = 'InterposerError';
  /** Stable, for programs. */
  readonly code: ErrorCode;
  /** The errno number of the code. */
  readonly errno: number;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.errno = ERROR_CODES[code].errno;
  }
}

/** An error of a code, for `throw fail('EINVAL', '...')`. */
export function fail(code: ErrorCode, message: string, cause?: unknown): InterposerError {
  return new InterposerError(code, message, cause === undefined ? undefined : { cause });
}

const CODE_BY_ERRNO = new Map<number, ErrorCode>(
  (Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => [ERROR_CODES[code].errno, code]),
);

/** The code of a bio's status or of an errno number; what has no code of its own is `EIO`. */
export function codeOfErrno(errno: number): ErrorCode {
  return CODE_BY_ERRNO.get(Math.abs(errno)) ?? 'EIO';
}

/** Whether an unknown value is one of ours, also from a second copy of this package. */
export function isInterposerError(value: unknown): value is InterposerError {
  return value instanceof Error && value.name === 'InterposerError' && 'code' in value;
}

/** A value that was thrown, as an Error. */
export function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}

const NODE_CODES: Partial<Record<string, ErrorCode>> = {
  ENOTDIR: 'ENOENT',
  EISDIR: 'EINVAL',
  EDQUOT: 'ENOSPC',
  EFBIG: 'ENOSPC',
  EOPNOTSUPP: 'ENOTSUP',
};

/** An error of the operating system as one of ours: same code where we have it, `EIO` where not, the cause kept. */
export function fromSystemError(error: unknown, doing: string): InterposerError {
  const cause = asError(error);
  const raw = (cause as NodeJS.ErrnoException).code ?? 'EIO';
  const code = raw in ERROR_CODES ? (raw as ErrorCode) : (NODE_CODES[raw] ?? 'EIO');
  return fail(code, `${doing}: ${cause.message}`, cause);
}
