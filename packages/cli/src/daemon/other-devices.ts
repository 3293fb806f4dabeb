import { fail, isInterposerError } from '@interposer/core';
import type { Host } from './host.ts';

/** Methods whose first parameter is a device that has to be there. */
const METHODS: readonly string[] = [
  'addExport',
  'attach',
  'attachFilter',
  'detachFilter',
  'discard',
  'explain',
  'extents',
  'filters',
  'flush',
  'hold',
  'messageFilter',
  'read',
  'swapFilter',
  'write',
  'yank',
  'zero',
];

/** With more devices than this a list of them is no help. */
const FEW = 8;

/** The error of a method, which for a mistyped device says which ones there are. */
export async function namingDevices(
  { engine }: Host,
  method: string,
  [word]: readonly unknown[],
  error: unknown,
): Promise<unknown> {
  const isMissing = isInterposerError(error) && ['ENOENT', 'ENXIO'].includes(error.code);
  // A path or URI means no mapped device.
  if (!isMissing || !METHODS.includes(method) || typeof word !== 'string' || /[/:]/.test(word)) return error;
  const names = (await engine.list()).map(({ name }) => name);
  if (names.length === 0 || names.length > FEW || names.includes(word)) return error;
  return fail(error.code, `${error.message}; mapped devices: ${names.join(', ')}`, error);
}
