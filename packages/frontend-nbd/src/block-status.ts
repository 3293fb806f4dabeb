import { fail, SECTOR_SIZE } from '@interposer/core';
import { ALLOCATION_CONTEXT, CommandFlag, type StatusExtent } from '@interposer/nbd-protocol';
import { setImmediate } from 'node:timers/promises';
import type { ContextAnswer } from './chunk-answers.ts';
import { runsOf, type SelectedContext, sectorsOf } from './contexts.ts';
import type { Export } from './export.ts';
import { readU32, readU64 } from './integers.ts';
import type { Request } from './request.ts';

/** Bytes that a device is asked about at a time at first: in single sectors, 65,536 runs. */
const SMALLEST_STEP = 32 * 2 ** 20;

/** With no more runs than this in a step, the next step is twice as long. */
const FEW_RUNS = 1024;

/** Steps grow up to this: behind a long hole there may be a badly fragmented part, whose runs all take memory at once. */
const LARGEST_STEP = 4 * 2 ** 30;

/** The same for contexts of filters, whose runs may be single sectors all along: such a step makes half a million of them. */
const LARGEST_FILTER_STEP = 256 * 2 ** 20;

/** An answer ends after so many steps or extents: the client asks again for the rest. */
const MANY_STEPS = 32_768;
const MANY_EXTENTS = 65_536;

/**
 * What the chosen contexts say of the range of a request, for as far as one answer should go, which is not far when nobody
 * wants it any more. Rejects as the port does.
 */
export async function blockStatus(
  request: Request,
  exported: Export,
  contexts: readonly SelectedContext[],
  isWanted: () => boolean,
): Promise<ContextAnswer[]> {
  const answers: ContextAnswer[] = [];
  for (const { id, name } of contexts) {
    answers.push({ id, extents: await extentsOf(request, exported, name, isWanted) });
  }
  return answers;
}

/** The payload of a request that names the contexts it wants: the length of its range and their numbers. */
export interface StatusPayload {
  readonly length: number;
  readonly contexts: readonly SelectedContext[];
}

/** Whether a payload of so many bytes could name contexts of those that were chosen, each once. */
export function isStatusPayload(bytes: number, chosen: readonly SelectedContext[]): boolean {
  const count = (bytes - 8) / 4;
  return Number.isInteger(count) && count >= 1 && count <= chosen.length;
}

/** Null if a payload of such a length names a context twice, or one that was not chosen. */
export function decodeStatusPayload(
  payload: Buffer,
  chosen: readonly SelectedContext[],
): StatusPayload | null {
  const count = (payload.length - 8) / 4;
  const ids = Array.from({ length: count }, (_, index) => readU32(payload, 8 + 4 * index));
  const contexts = ids.flatMap((id) => chosen.filter((context) => context.id === id));
  const distinct = new Set(contexts).size === count && contexts.length === count;
  return distinct ? { length: readU64(payload, 0), contexts } : null;
}

async function extentsOf(
  request: Request,
  exported: Export,
  name: string,
  isWanted: () => boolean,
): Promise<StatusExtent[]> {
  const end = request.offset + request.length;
  const most = (request.flags & CommandFlag.ReqOne) === 0 ? MANY_EXTENTS : 1;
  const extents: StatusExtent[] = [];
  const largest = name === ALLOCATION_CONTEXT ? LARGEST_STEP : LARGEST_FILTER_STEP;
  let step = SMALLEST_STEP;
  let at = request.offset;
  for (let steps = 1; ; steps++) {
    const stop = Math.min(end, at + step);
    const before = extents.length;
    await append(extents, exported, name, at, stop);
    // The last extent may go on in the next step, so one is complete only when there is a second.
    if (stop === end || extents.length > most || steps === MANY_STEPS || !isWanted()) break;
    if (extents.length - before <= FEW_RUNS) step = Math.min(2 * step, largest);
    at = stop;
    // A device that answers at once would otherwise keep everybody else waiting.
    await setImmediate();
  }
  return extents.slice(0, most);
}

/** Adds the extents of a range of bytes to those before it. */
async function append(
  extents: StatusExtent[],
  exported: Export,
  name: string,
  start: number,
  stop: number,
): Promise<void> {
  const { sector, count } = sectorsOf(start, stop - start);
  const runs = await runsOf(exported, name, sector, count);
  if (runs === null) throw fail('EINVAL', `nobody publishes ${name} any more`);
  let at = start;
  for (const run of runs) {
    const from = Math.max(start, run.sector * SECTOR_SIZE);
    const length = Math.min(stop, (run.sector + run.count) * SECTOR_SIZE) - from;
    if (from !== at || !(length > 0)) break;
    const last = extents.at(-1);
    if (last?.flags === run.flags) {
      extents[extents.length - 1] = { length: last.length + length, flags: run.flags };
    } else extents.push({ length, flags: run.flags });
    at += length;
  }
  if (at !== stop) throw fail('EIO', `what ${name} says of the range leaves some of it out`);
}
