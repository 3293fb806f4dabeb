import type { OpenSnapshot, SnapshotOptions } from '../service.ts';
import { type Check, count, fields, flag, text } from './checks.ts';

const shared = { device: text, name: text, store: text, altitude: text };

/** A snapshot to make. */
export const snapshotOptions: Check<SnapshotOptions> = withDevice(
  fields({ ...shared, chunk: count, size: count, persistent: flag }),
);

/** A snapshot to bring up again. */
export const openOptions: Check<OpenSnapshot> = withDevice(fields({ ...shared, merge: flag, wait: flag }));

/** What is missing is as wrong as what is of another type. */
function withDevice<T extends { readonly device?: string }>(
  check: Check<T>,
): Check<T & { readonly device: string }> {
  return (value, where) => {
    const result = check(value, where);
    return { ...result, device: text(result.device, `${where}.device`) };
  };
}
