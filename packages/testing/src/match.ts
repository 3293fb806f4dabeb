import { SECTOR_SIZE } from '@interposer/core';
import type { ChaosOp, ChaosRule } from '@interposer/filter-chaos';
import { checkInteger, checkKeys, checkNumber } from './check.ts';

/** The operations of a disk. */
export type OperationName = ChaosOp;

/** Which requests are meant. What it says nothing about makes no difference; `{}` is every request. */
export interface Match {
  readonly op?: OperationName | readonly OperationName[];
  /** The first byte of a range; meant are requests that touch a sector of it. A flush has no place, and is never meant. */
  readonly offset?: number;
  /** Bytes of the range; from `offset` to the end of the disk by default. */
  readonly length?: number;
  /** Only the so-manyth of these requests, counted from 1. */
  readonly nth?: number;
  /** At most so many of them. */
  readonly times?: number;
  /** Each of them so often, 0 to 1. */
  readonly probability?: number;
}

/** Names of the properties of a match. */
export const MATCH_KEYS: readonly string[] = ['op', 'offset', 'length', 'nth', 'times', 'probability'];

const OPERATIONS: readonly OperationName[] = ['read', 'write', 'flush', 'discard', 'write-zeroes'];

/** The conditions of a rule that means the same, on a disk of a size. TypeError and EINVAL for what is no match. */
export function conditionsOf(
  { op, offset, length, nth, times, probability }: Match,
  size: number,
): Omit<ChaosRule, 'action'> {
  if (length !== undefined && offset === undefined)
    throw new TypeError('a match with a length wants an offset, too');
  return {
    on: op === undefined ? ['any'] : operationsOf(op),
    ...(offset === undefined ? {} : { sectors: sectorsOf(offset, length, size) }),
    ...(nth === undefined ? {} : { nth: checkInteger('nth', nth, 1) }),
    ...(times === undefined ? {} : { times: checkInteger('times', times, 1) }),
    ...(probability === undefined ? {} : { probability: checkNumber('probability', probability, 0, 1) }),
  };
}

/** The properties of an object that are those of a match. TypeError where it has others than these and `more`. */
export function matchOf(what: string, value: Match, more: readonly string[] = []): Match {
  checkKeys(what, value, [...MATCH_KEYS, ...more]);
  return Object.fromEntries(Object.entries(value).filter(([key]) => MATCH_KEYS.includes(key)));
}

function operationsOf(op: OperationName | readonly OperationName[]): readonly OperationName[] {
  const operations = typeof op === 'string' ? [op] : op;
  const unknown = operations.find((operation) => !OPERATIONS.includes(operation));
  if (unknown !== undefined || operations.length === 0)
    throw new TypeError(`"${String(unknown)}" is no operation; there are ${OPERATIONS.join(', ')}`);
  return operations;
}

function sectorsOf(
  offset: number,
  length: number | undefined,
  size: number,
): { first: number; count: number } {
  checkInteger('offset', offset, 0, size - 1);
  const end = offset + checkInteger('length', length ?? size - offset, 1, size - offset);
  const first = Math.floor(offset / SECTOR_SIZE);
  return { first, count: Math.ceil(end / SECTOR_SIZE) - first };
}
