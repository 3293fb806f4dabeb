import { SECTOR_SIZE } from '@interposer/core';

/** A request whose parameters do not fit its method. */
export class BadParams extends Error {}

/** Makes sure that a value from outside is what a method expects. */
export type Check<T> = (value: unknown, where: string) => T;

/** The types that a list of checks lets through. */
export type Checked<C extends readonly Check<unknown>[]> = {
  -readonly [K in keyof C]: C[K] extends Check<infer T> ? T : never;
};

/** The most sectors a single message may ask for or carry: 1 MiB. */
export const MAX_TRANSFER: number = 2 ** 20 / SECTOR_SIZE;

/** BadParams where a value is not what it should be. */
function expect(condition: boolean, where: string, what: string): void {
  if (!condition) throw new BadParams(`${where} must be ${what}`);
}

export const text: Check<string> = (value, where) => {
  expect(typeof value === 'string', where, 'a string');
  return value as string;
};

export const flag: Check<boolean> = (value, where) => {
  expect(typeof value === 'boolean', where, 'a boolean');
  return value as boolean;
};

/** An object of any members. */
export const object: Check<Readonly<Record<string, unknown>>> = (value, where) => {
  expect(typeof value === 'object' && value !== null && !Array.isArray(value), where, 'an object');
  return value as Record<string, unknown>;
};

/** A whole number from 0 on. */
export const count: Check<number> = (value, where) => {
  expect(Number.isSafeInteger(value) && (value as number) >= 0, where, 'a whole number from 0 to 2^53-1');
  return value as number;
};

/** A number of sectors that fits into a message. */
export const transfer: Check<number> = (value, where) => {
  expect(
    Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= MAX_TRANSFER,
    where,
    `a whole number from 1 to ${String(MAX_TRANSFER)}`,
  );
  return value as number;
};

export const words: Check<readonly string[]> = (value, where) => {
  expect(
    Array.isArray(value) && value.every((word) => typeof word === 'string'),
    where,
    'an array of strings',
  );
  return value as string[];
};

/** Bytes, as base64. */
export const bytes: Check<Uint8Array> = (value, where) => {
  expect(typeof value === 'string', where, 'a base64 string');
  const data = Buffer.from(value as string, 'base64');
  expect(
    data.length <= MAX_TRANSFER * SECTOR_SIZE,
    where,
    `at most ${String(MAX_TRANSFER * SECTOR_SIZE)} bytes`,
  );
  return data;
};

/** One of some words. */
export function oneOf<const T extends string>(...values: readonly T[]): Check<T> {
  return (value, where) => {
    expect(values.includes(value as T), where, `one of ${values.join(', ')}`);
    return value as T;
  };
}

/** An array of such values. */
export function listOf<T>(check: Check<T>): Check<readonly T[]> {
  return (value, where) => {
    expect(Array.isArray(value), where, 'an array');
    return (value as unknown[]).map((element, at) => check(element, `${where}[${String(at)}]`));
  };
}

/** May be left out. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, where) => (value === undefined || value === null ? undefined : check(value, where));
}

/** An object that has some of these members and no other; may be left out, which is an empty one. */
export function fields<T extends Record<string, Check<unknown>>>(
  checks: T,
): Check<{ readonly [K in keyof T]?: T[K] extends Check<infer V> ? V : never }> {
  return (value, where) => {
    if (value === undefined || value === null) return {};
    const result: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(object(value, where))) {
      const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
      if (check === undefined) throw new BadParams(`${where} has no member ${JSON.stringify(key)}`);
      result[key] = check(member, `${where}.${key}`);
    }
    return result as never;
  };
}
