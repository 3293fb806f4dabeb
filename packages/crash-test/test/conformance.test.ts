import { deviceSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { crashImageDriver } from '../src/index.ts';
import { open, type Step } from './logs.ts';
import { statesOf } from './states.ts';

const type = crashImageDriver();
let made = 0;

/** A disk that was full of data and has been discarded; each is another state, for another number of marks. */
async function discarded(sectors: number) {
  const marks = Array.from({ length: ++made }, (): Step => ['mark', 'm']);
  const steps: Step[] = [['write', 3, 'yyyy'], ['flush'], ...marks, ['discard', 0, sectors], ['flush']];
  const disks = await open('x'.repeat(sectors), steps);
  const state = (await statesOf(disks)).at(-1)!;
  const cleanup = async (): Promise<void> => {
    type.remove(state);
    await disks.close();
  };
  return { spec: type.add(state), cleanup };
}

deviceSuite({ describe, it }, { type, create: discarded });
