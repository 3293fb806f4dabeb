import { readFileSync } from 'node:fs';
import { type ChaosDisk, chaosDriver, type ChaosOptions } from '@interposer/conformance';
import { createEngine, type Engine, type InterposerError, type PluginType } from '@interposer/core';
import { later } from '../../../tools/temporary.ts';
import { integrity } from '../src/index.ts';

/** An engine with one disk, which is looked into and made to fail. It is closed when the test ends. */
export interface Stand {
  readonly engine: Engine;
  readonly disk: ChaosDisk;
}

export function makeStand(
  sectors: number,
  types: readonly PluginType[] = [],
  options: Partial<ChaosOptions> = {},
): Stand {
  const chaos = chaosDriver();
  const disk = chaos.add('a', { sectors, ...options });
  const engine = createEngine({ types: [chaos, integrity, ...types] });
  later(() => engine.close());
  return { engine, disk };
}

/** What a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<InterposerError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) throw new Error('it was not rejected');
  return error as InterposerError;
}

/** A recorded file of this folder. */
export function vectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'));
}
