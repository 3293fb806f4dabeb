import type { Edit } from '@interposer/core';
import { type Check, fields, object, oneOf, optional, text } from './checks.ts';

type Members = Readonly<Record<string, Check<string | undefined>>>;

/** The members of each kind of edit beside its kind. */
const MEMBERS: Readonly<Record<Edit['kind'], Members>> = {
  attach: { device: text, filter: text },
  detach: { device: text, filter: text },
  swap: { device: text, old: text, new: text },
  reload: { device: text, table: text, source: optional(text) },
  'remap-start': { mapped: text, device: text, altitude: optional(text) },
  'remap-finish': { mapped: text },
};

const kind = oneOf(...(Object.keys(MEMBERS) as Edit['kind'][]));

/** One step of a transaction. */
export const edit: Check<Edit> = (value, where) => {
  const given = object(value, where);
  const members = MEMBERS[kind(given.kind, `${where}.kind`)];
  const result = fields({ ...members, kind })(given, where);
  // What is missing is as wrong as what is of another type.
  for (const [key, check] of Object.entries(members)) check(given[key], `${where}.${key}`);
  return result as Edit;
};
