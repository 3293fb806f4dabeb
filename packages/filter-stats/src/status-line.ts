import type { OperationStats } from './operation-stats.ts';
import type { Statistics } from './statistics.ts';

const NANOSECONDS = 1e6;

/**
 * Five numbers for each of read, write, flush, discard and write-zeroes - bios, sectors, milliseconds, errors, in flight -
 * and the number of FUA writes. In the manner of the kernel's diskstats; nothing is merged here, so that is left out.
 */
export function statusLine({ operations, fuaWrites }: Statistics): string {
  return [...operations.flatMap(numbersOf), fuaWrites].join(' ');
}

function numbersOf({ bios, sectors, latency, errors, inFlight }: OperationStats): number[] {
  return [bios, sectors, Math.round(latency.sum / NANOSECONDS), errors, inFlight];
}
