import { OP_NAMES, SECTOR_SIZE } from '@interposer/core';
import type { LatencyHistogram } from './latency-histogram.ts';
import type { OperationStats } from './operation-stats.ts';
import { PERCENTILES } from './percentiles.ts';
import type { Statistics } from './statistics.ts';

/** Number of the shape below. A new property leaves it as it is; anything else raises it. */
const VERSION = 1;

/** Everything there is, as one line of JSON; its shape is documented in the README. */
export function statisticsJson(statistics: Statistics): string {
  const { device, milliseconds, operations, fuaWrites, heat } = statistics;
  return JSON.stringify({
    version: VERSION,
    device,
    milliseconds,
    operations: Object.fromEntries(operations.map((stats, op) => [OP_NAMES[op]!, operationObject(stats)])),
    fuaWrites,
    heat: {
      sectors: heat.sectors,
      areaSectors: heat.areaSectors,
      reads: [...heat.reads],
      writes: [...heat.writes],
    },
  });
}

function operationObject(stats: OperationStats): object {
  const { bios, sectors, errors, inFlight, mostInFlight, sequential, latency, sizes } = stats;
  return {
    bios,
    sectors,
    bytes: sectors * SECTOR_SIZE,
    errors,
    inFlight,
    mostInFlight,
    sequential,
    latency: latencyObject(latency),
    sizes: sizes.buckets(),
  };
}

/** In nanoseconds. */
function latencyObject(latency: LatencyHistogram): object {
  const percentiles = PERCENTILES.map(([name, perMille]) => [name, latency.percentile(perMille)] as const);
  return {
    sum: latency.sum,
    mean: latency.mean,
    ...Object.fromEntries(percentiles),
    max: latency.longest,
    buckets: latency.buckets(),
  };
}
