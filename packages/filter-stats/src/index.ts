/**
 * The `stats` filter: counts, sizes, latencies and heat of what a workload asks of a device.
 *
 * @packageDocumentation
 */
export { stats } from './stats.ts';
