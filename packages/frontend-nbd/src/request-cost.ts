import { NbdCommand } from '@interposer/nbd-protocol';
import { WARM_BYTES } from './warm.ts';

/** What a request costs beside its buffers, roughly: the bound of a connection holds for tiny requests too. */
const REQUEST_COST = 1024;

/** Whether a request gathers extents or reads ahead, for which it needs memory of its own. */
export function isHeavy(command: number): boolean {
  return command === NbdCommand.BlockStatus || command === NbdCommand.Cache;
}

/** Bytes that a request counts for in the bound of its connection, beside its buffers. */
export function costOf(command: number): number {
  return isHeavy(command) ? WARM_BYTES : REQUEST_COST;
}
