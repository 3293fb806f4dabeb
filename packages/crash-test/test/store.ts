import type { CrashState, Verdict } from '../src/index.ts';
import type { Step } from './logs.ts';

/**
 * A store of one value on a disk of 8 sectors. Values `a` to `z` are sectors of that letter at 2 to 7. A commit record is two
 * sectors at 0 that hold the letter, which is also where the value is; the second one repeats the first, as a checksum would.
 */
export const EMPTY = '........';

/** What a store does, and may forget. */
export interface Habits {
  /** A flush between a value and its commit record. */
  readonly barrier: boolean;
  /** A flush before it says that the value is safe. */
  readonly flush: boolean;
  /** The commit record is written with FUA, and no flush follows. */
  readonly fua?: boolean;
}

/** What a store writes that takes some values, one after the other. */
export function storing(values: string, { barrier, flush, fua = false }: Habits): Step[] {
  return Array.from(values).flatMap((value, index): Step[] => [
    ['write', placeOf(index), value],
    ...(barrier ? [['flush'] as const] : []),
    [fua ? 'fua' : 'write', slotOf(index), `${value}${value}`],
    ...(flush && !fua ? [['flush'] as const] : []),
    ['mark', `have ${value}`],
  ]);
}

function placeOf(index: number): number {
  return 4 + (index % 4);
}

/** Two records in turn, so that a torn one leaves the other. */
function slotOf(index: number): number {
  return (index % 2) * 2;
}

/** Whether the store gives the value that it promised, or a newer one. `trusting`: it does not look at the checksum. */
export async function checkStore(state: CrashState, trusting = false): Promise<Verdict> {
  const letters = Array.from(await state.read(0, 8), (byte) => String.fromCharCode(byte)).filter(
    (_, index) => index % 512 === 0,
  );
  const records = [letters.slice(0, 2), letters.slice(2, 4)];
  const committed = records.filter(([value, sum]) => value !== '\0' && (trusting || value === sum));
  const newest = committed
    .map(([value]) => value!)
    .sort()
    .at(-1);
  const promised = state.promises.at(-1)?.slice(-1);
  if (promised !== undefined && (newest === undefined || newest < promised))
    return { ok: false, message: `${promised} was promised, ${newest ?? 'nothing'} is there` };
  if (newest === undefined) return { ok: true };
  const place = placeOf(newest.charCodeAt(0) - 'a'.charCodeAt(0));
  if (letters[place] !== newest) return { ok: false, message: `${newest} is not at ${String(place)}` };
  if (trusting) {
    const sum = records.find(([value]) => value === newest)![1];
    if (sum !== newest) return { ok: false, message: `${newest} has a torn record` };
  }
  return { ok: true };
}
