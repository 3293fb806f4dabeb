import { setImmediate } from 'node:timers/promises';
import { BioOp, createEngine, Random } from '@interposer/core';
import { VirtualClock } from '@interposer/conformance';
import { mirror } from '../src/index.ts';
import type { Images } from './machine.ts';
import { Tape } from './tape.ts';

/** How a recorded mirror is to be opened. Legs are `a`, `b`, ..., as many as there are offsets. */
export interface Opening {
  readonly sectors: number;
  /** The words of the log. */
  readonly log: string;
  readonly offsets: readonly number[];
}

/** Opens the disks of a mirror as a crash left them; answers how many regions were in sync, and the disks after the resync. */
export async function openRecorded(
  images: Images,
  { sectors, log, offsets }: Opening,
): Promise<{ readonly inSync: number; readonly images: Images }> {
  const tape = new Tape<never>();
  const legs = offsets.map((offset, index) => `tape:${'abc'[index]!} ${String(offset)}`);
  for (const [name, image] of images) tape.add(name, image);
  // Nothing can be copied as long as the first leg is not read.
  const first = tape.disk('a');
  first.hold(({ op }) => op === BioOp.Read);
  const engine = createEngine({ types: [mirror, tape.driver], clock: new VirtualClock() });
  const table = `0 ${String(sectors)} mirror ${log} ${String(legs.length)} ${legs.join(' ')}`;
  await engine.create('x', { table });
  const status = async (): Promise<RegExpExecArray> =>
    / (\d+)\/(\d+) 1 /.exec((await engine.status('x'))[0]!.params)!;
  const inSync = Number((await status())[1]);
  first.release();
  for (let [, done, all] = await status(); done !== all; [, done, all] = await status()) await setImmediate();
  await engine.close();
  return { inSync, images: tape.crash(tape.entries.length, new Random(1), 1) };
}
