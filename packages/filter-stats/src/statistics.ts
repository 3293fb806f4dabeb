import type { Heat } from './heat.ts';
import type { OperationStats } from './operation-stats.ts';

/** All that was counted since the filter is there, or since it was last cleared. */
export interface Statistics {
  /** Name of the device. */
  readonly device: string;
  /** How long it has counted. */
  readonly milliseconds: number;
  /** By number of the operation. */
  readonly operations: readonly OperationStats[];
  /** Writes that were to be on stable storage when they ended. */
  readonly fuaWrites: number;
  readonly heat: Heat;
  clear(): void;
}
