import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  asError,
  codeOfErrno,
  ERROR_CODES,
  type ErrorCode,
  fail,
  fromSystemError,
  InterposerError,
  isInterposerError,
  Status,
} from '../src/index.ts';

describe('codes', () => {
  it('have the errno numbers of the C world', () => {
    const numbers: Partial<Record<string, number>> = constants.errno;
    for (const [code, { errno }] of Object.entries(ERROR_CODES)) {
      // EAPI is our own; Node does not know the others by name.
      if (['EAPI', 'ENOKEY', 'ESHUTDOWN'].includes(code)) continue;
      expect([code, errno]).toEqual([code, code === 'ENOTSUP' ? numbers.EOPNOTSUPP : numbers[code]]);
    }
  });

  it('lead back from each status of a bio', () => {
    const codes = [Status.Perm, Status.Io, Status.NoMem, Status.NoDev, Status.Inval, Status.NoSpc].map(
      codeOfErrno,
    );
    expect(codes).toEqual(['EPERM', 'EIO', 'ENOMEM', 'ENODEV', 'EINVAL', 'ENOSPC']);
    expect(
      [Status.NoData, Status.Ilseq, Status.NotSup, Status.Shutdown, Status.TimedOut].map(codeOfErrno),
    ).toEqual(['ENODATA', 'EILSEQ', 'ENOTSUP', 'ESHUTDOWN', 'ETIMEDOUT']);
    expect(codeOfErrno(-5)).toBe('EIO');
    expect(codeOfErrno(9999)).toBe('EIO');
  });
});

describe('errors', () => {
  it('carry code, number and cause', () => {
    const cause = new Error('why');
    const error = fail('EBUSY', 'taken', cause);
    expect(error).toBeInstanceOf(InterposerError);
    expect(error).toMatchObject({ code: 'EBUSY', errno: 16, message: 'taken', cause });
    expect(fail('EIO', 'x')).not.toHaveProperty('cause');
  });

  it('are known also when they come from a second copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'InterposerError', code: 'EBUSY' });
    expect(isInterposerError(foreign)).toBe(true);
    expect(isInterposerError(new TypeError('x'))).toBe(false);
    expect(isInterposerError({ name: 'InterposerError', code: 'EBUSY' })).toBe(false);
  });

  it('are made of whatever was thrown', () => {
    const error = new TypeError('x');
    expect(asError(error)).toBe(error);
    expect(asError('text').message).toBe('text');
  });
});

describe('fromSystemError', () => {
  it.each<[string | undefined, ErrorCode]>([
    ['ENOENT', 'ENOENT'],
    ['ENOTDIR', 'ENOENT'],
    ['EDQUOT', 'ENOSPC'],
    ['EOPNOTSUPP', 'ENOTSUP'],
    ['EMFILE', 'EIO'],
    [undefined, 'EIO'],
  ])('reads %s as %s', (raw, code) => {
    const cause = Object.assign(new Error('boom'), raw === undefined ? {} : { code: raw });
    expect(fromSystemError(cause, 'open x')).toMatchObject({ code, message: 'open x: boom', cause });
  });
});

describe('the page on error codes', () => {
  it('lists each of them, with its number and meaning, and no other', () => {
    const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)`\s*\| (\d+)\s*\| (.*?)\s*\|$/gm)].map(
      ([, code, errno, about]) => ({
        code,
        errno: Number(errno),
        about,
      }),
    );
    expect(rows).toEqual(Object.entries(ERROR_CODES).map(([code, info]) => ({ code, ...info })));
  });
});
