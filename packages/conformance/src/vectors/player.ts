import { asError, isInterposerError, type PluginType } from '@interposer/core';
import { ACTIONS } from './actions.ts';
import { parseStep, type VectorCase } from './case.ts';
import { Stage } from './stage.ts';

/** A step at which an engine and the kernel differ. */
export interface Difference {
  /** Name of the case. */
  readonly name: string;
  readonly step: string;
  /** What was seen in the kernel. */
  readonly kernel: string;
  /** What was seen here, and where it was an error, its message. */
  readonly ours: string;
}

/**
 * Plays a recorded case on an engine with these types, and compares what is seen of each step. Where the kernel refuses and
 * so does the engine, the errno counts and not the text. The first difference ends the case: what follows builds on it.
 */
export async function playVector(
  vector: VectorCase,
  types: readonly PluginType[],
): Promise<Difference | undefined> {
  const stage = new Stage(types, vector.disks);
  try {
    for (const [step, kernel] of vector.steps) {
      const ours = await seenOf(stage, step);
      if (!agrees(ours.seen, kernel)) return { name: vector.name, step, kernel, ours: ours.shown };
    }
    return undefined;
  } finally {
    await stage.close();
  }
}

interface Seen {
  readonly seen: string;
  readonly shown: string;
}

async function seenOf(stage: Stage, text: string): Promise<Seen> {
  const step = parseStep(text);
  const action = ACTIONS[step.verb];
  if (action === undefined) throw new Error(`no step of a case: ${text}`);
  try {
    const seen = (await action(stage, step)) ?? 'ok';
    return { seen, shown: seen };
  } catch (error) {
    if (!isInterposerError(error)) throw error;
    return { seen: error.code, shown: `${error.code}: ${asError(error).message}` };
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
