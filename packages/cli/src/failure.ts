import { asError, type ErrorCode, isInterposerError } from '@interposer/core';
import type { Sink } from './io.ts';

/** A command that failed; `lines` are what dmsetup writes, and the reason of the engine follows them. */
export class CommandFailure extends Error {
  readonly lines: readonly string[];
  /** Whether `Command failed.` ends the report, as with dmsetup's verbs. */
  readonly closing: boolean;

  constructor(lines: readonly string[], options: { cause?: unknown; closing?: boolean } = {}) {
    super(lines[0] ?? '', { cause: options.cause });
    this.lines = lines;
    this.closing = options.closing ?? true;
  }
}

/** What the C library says for each of our codes. */
const STRERROR: Readonly<Record<ErrorCode, string>> = {
  EACCES: 'Permission denied',
  E2BIG: 'Argument list too long',
  EAGAIN: 'Resource temporarily unavailable',
  EALREADY: 'Operation already in progress',
  EAPI: 'Exec format error',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  ELOOP: 'Too many levels of symbolic links',
  ENODATA: 'No data available',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ENOKEY: 'Required key not available',
  ENOMEM: 'Cannot allocate memory',
  ENOSPC: 'No space left on device',
  ENOTSUP: 'Operation not supported',
  ENOTTY: 'Inappropriate ioctl for device',
  ENXIO: 'No such device or address',
  EPERM: 'Operation not permitted',
  EILSEQ: 'Invalid or incomplete multibyte or wide character',
  EROFS: 'Read-only file system',
  ESHUTDOWN: 'Cannot send after transport endpoint shutdown',
  ETIMEDOUT: 'Connection timed out',
  EFAULT: 'Bad address',
};

/** The C library's text for an error. */
export function strerror(error: unknown): string {
  if (isInterposerError(error)) return STRERROR[error.code];
  return asError(error).message;
}

/** The code of an error of ours. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return isInterposerError(error) ? error.code : undefined;
}

/** How dmsetup names the device of a failed ioctl. */
export interface IoctlSubject {
  readonly name?: string;
  readonly uuid?: string;
  /** `(254:0)`, where it is known. */
  readonly number?: string;
}

/** The failure of an operation as dmsetup reports it: `device-mapper: table ioctl on x  failed: No such device or address`. */
export function ioctlFailure(operation: string, subject: IoctlSubject, error: unknown): CommandFailure {
  return new CommandFailure([ioctlLine(operation, subject, error)], { cause: error });
}

/** The line of `ioctlFailure`. */
export function ioctlLine(
  operation: string,
  { name = '', uuid = '', number = '' }: IoctlSubject,
  error: unknown,
): string {
  // Between the name and a number stands one blank, and the uuid where there is one.
  const subject = number === '' ? `${name} ${uuid}` : `${name} ${uuid === '' ? '' : `${uuid} `}${number}`;
  return `device-mapper: ${operation} ioctl on ${subject} failed: ${strerror(error)}`;
}

/** Writes why a command failed: dmsetup's lines, then the coded reason. */
export function reportFailure(error: unknown, stderr: Sink, json: boolean): void {
  const lines = error instanceof CommandFailure ? error.lines : [];
  const reason = error instanceof CommandFailure ? error.cause : error;
  const closing = error instanceof CommandFailure && error.closing;
  if (json) {
    const { message } = reason === undefined ? asError(error) : asError(reason);
    stderr.write(`${JSON.stringify({ error: { code: codeOf(reason) ?? 'EINVAL', message } })}\n`);
    return;
  }
  for (const line of lines) stderr.write(`${line}\n`);
  if (reason !== undefined)
    stderr.write(`interposer: ${codeOf(reason) ?? 'error'}: ${asError(reason).message}\n`);
  if (closing) stderr.write('Command failed.\n');
}
