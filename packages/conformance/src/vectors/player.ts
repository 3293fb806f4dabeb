import { asError, isInterposerError, type PluginType } from '@interposer/core';
import { ACTIONS, LOOKS } from './actions.ts';
import { parseStep, type VectorCase } from './case.ts';
import { Stage } from './stage.ts';

/** A step at which an engine and the kernel differ. */
export interface Difference {
  /** Name of the case. */
  readonly name: string;
  readonly step: string;
  /** What was seen in the kernel. */
  readonly kernel: string;
  /** What was seen here. */
  readonly ours: string;
  /** Of an error. */
  readonly message?: string;
}

/** What a player is told besides the case. */
export interface PlayOptions {
  /** Whether a difference is meant: it is not reported, and where it leads nowhere else, the case goes on. */
  readonly isKnown?: (difference: Difference) => boolean;
}

/**
 * Plays a recorded case on an engine with these types, and compares what is seen of each step. Where the kernel refuses and
 * so does the engine, the errno counts and not the text. The first difference that is not known ends the case: what follows builds
 * on it.
 */
export async function playVector(
  vector: VectorCase,
  types: readonly PluginType[],
  { isKnown = () => false }: PlayOptions = {},
): Promise<Difference | undefined> {
  const stage = new Stage(types, vector.disks);
  try {
    for (const [step, kernel] of vector.steps) {
      const ours = await seenOf(stage, step);
      if (agrees(ours.seen, kernel)) continue;
      const difference = { name: vector.name, step, kernel, ours: ours.seen, ...ours.error };
      if (!isKnown(difference)) return difference;
      if (!isHarmless(difference)) return undefined;
    }
    return undefined;
  } finally {
    await stage.close();
  }
}

/** Whether both are in the same state behind it: both refused, or it was a look at something. */
function isHarmless({ step, kernel, ours }: Difference): boolean {
  return LOOKS.includes(parseStep(step).verb) || (isRefusal(kernel) && isRefusal(ours));
}

function isRefusal(seen: string): boolean {
  return /^(E[A-Z0-9]+|refused|absent)$/.test(seen);
}

interface Seen {
  readonly seen: string;
  readonly error?: { readonly message: string };
}

async function seenOf(stage: Stage, text: string): Promise<Seen> {
  const step = parseStep(text);
  const action = ACTIONS[step.verb];
  if (action === undefined) throw new Error(`no step of a case: ${text}`);
  try {
    const seen = (await action(stage, step)) ?? 'ok';
    return { seen };
  } catch (error) {
    if (!isInterposerError(error)) throw error;
    return { seen: error.code, error: { message: asError(error).message } };
  }
}

/** What our code says where the kernel has several reasons for one errno, or one reason with another name. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  EOPNOTSUPP: ['ENOTSUP'],
  // A request to a device that is not there.
  absent: ['ENXIO'],
  // A device that cannot be opened. Newer kernels tell its reasons apart, too.
  ENODEV: ['ENOENT', 'ENXIO'],
};

/** `refused`: dmsetup did, before the kernel was asked, so there is no errno. */
function agrees(ours: string, kernel: string): boolean {
  if (kernel === 'refused') return /^E[A-Z0-9]+$/.test(ours);
  return ours === kernel || SAME[kernel]?.includes(ours) === true;
}
