import { fail } from '@interposer/core';
import type { Layout } from './options.ts';
import type { Span } from './span.ts';
import type { CipherSpec } from './spec.ts';

/** Sectors to be ciphered, as for `SectorCipher.encrypt`. */
export type CipherRequest = Readonly<
  Pick<Span, 'from' | 'fromOffset' | 'to' | 'toOffset' | 'bytes' | 'sector'>
>;

/** Throws EINVAL if a request does not fit its buffers or the sectors: native code would write where it is told to. */
export function checkRequest(
  spec: CipherSpec,
  { ratio, sectorSize, ivOffset }: Layout,
  wiped: boolean,
  { from, fromOffset, to, toOffset, bytes, sector }: CipherRequest,
): void {
  if (wiped) throw fail('EINVAL', `the key of ${spec.text} was wiped`);
  const fits =
    within(from, fromOffset, bytes) &&
    within(to, toOffset, bytes) &&
    bytes % sectorSize === 0 &&
    sector >= 0 &&
    sector % ratio === 0 &&
    Number.isSafeInteger(sector + ivOffset + bytes / 512);
  if (fits) return;
  throw fail(
    'EINVAL',
    `${bytes} bytes from ${fromOffset} to ${toOffset} as sector ${sector}: the buffers have ${from.length} and ${to.length} ` +
      `bytes, a sector ${sectorSize}`,
  );
}

/** Throws EINVAL if there is no room for tuples. */
export function checkTuples(tuples: Uint8Array, offset: number, bytes: number): void {
  if (within(tuples, offset, bytes)) return;
  throw fail('EINVAL', `${bytes} bytes of tuples at ${offset}: the buffer has ${tuples.length}`);
}

function within(memory: Uint8Array, offset: number, bytes: number): boolean {
  return Number.isSafeInteger(offset) && offset >= 0 && bytes >= 0 && offset + bytes <= memory.length;
}
