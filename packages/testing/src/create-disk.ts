import { randomInt } from 'node:crypto';
import { Random, SEEDS } from '@interposer/core';
import { parseRules } from '@interposer/filter-chaos';
import { volatile } from '@interposer/filter-volatile';
import { Disk, type DiskParts } from './disk.ts';
import { FaultLayer } from './fault-layer.ts';
import { ImageFile } from './image.ts';
import { Mount } from './mount.ts';
import { cacheWords, checkOptions, type DiskOptions } from './options.ts';
import { Pause } from './pause.ts';
import { Power } from './power.ts';
import { RequestRecorder } from './requests.ts';
import { DiskServer } from './server.ts';
import { makeStack, type Stack } from './stack.ts';

/**
 * A disk in memory whose faults a test commands, at an NBD URI and, where asked for, at a path. Takes no rights. TypeError for
 * options that are none, EINVAL for values that cannot be; ENOENT, EACCES, ENOTSUP where there can be no path.
 */
export async function createDisk(options: DiskOptions): Promise<Disk> {
  checkOptions(options);
  const { faults: rules = [], path = false, seed = randomInt(SEEDS) } = options;
  const random = new Random(seed);
  const layers = { recorder: new RequestRecorder(), faults: new FaultLayer(random), pause: new Pause() };
  const cache = cacheWords(options.cache);
  const stack = await stackOf(options, layers, cache);
  const undo: (() => Promise<unknown>)[] = [() => dismantle(stack)];
  try {
    if (rules.length > 0) layers.faults.add(rules.flatMap((rule) => parseRules(rule)));
    const power = new Power(stack, layers, random, cache !== undefined);
    const server = await DiskServer.start(stack.port);
    undo.push(() => server.close());
    const mount = await startMount(server, path);
    return new Disk({ seed, stack, server, mount, power, ...layers });
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function stackOf(
  { size, image, clock }: DiskOptions,
  { recorder, faults, pause }: Pick<DiskParts, 'recorder' | 'faults' | 'pause'>,
  cache: string | undefined,
): Promise<Stack> {
  const contents = typeof image === 'string' ? await ImageFile.find(image) : image;
  const own = [recorder, faults, pause].map(({ type }) => ({ type, words: '' }));
  return makeStack({
    size: size === undefined ? undefined : String(size),
    contents,
    layers: cache === undefined ? own : [...own, { type: volatile, words: cache }],
    ...(clock === undefined ? {} : { clock }),
  });
}

async function dismantle({ engine, port }: Stack): Promise<void> {
  port.close();
  await engine.close();
}

function startMount(server: DiskServer, path: boolean | 'auto'): Promise<Mount | undefined> {
  if (path === false) return Promise.resolve(undefined);
  const mount = Mount.start(server);
  return path === 'auto' ? mount.catch(() => undefined) : mount;
}
