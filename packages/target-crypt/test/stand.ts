import { type ChaosDisk, chaosDriver } from '@interposer/conformance';
import {
  createEngine,
  type Engine,
  type InterposerError,
  type Limits,
  type PluginType,
} from '@interposer/core';
import { later } from '../../../tools/temporary.ts';
import { crypt } from '../src/index.ts';
import { hexKey } from './ring.ts';

/** Sectors of the disk below. */
export const SECTORS = 8192;

export const XTS: string = `aes-xts-plain64 ${hexKey(64)} 0`;

/** An engine with one disk, which is looked into and made to fail. It is closed when the test ends. */
export interface Stand {
  readonly engine: Engine;
  readonly disk: ChaosDisk;
}

export function makeStand(types: readonly PluginType[] = [crypt], limits: Partial<Limits> = {}): Stand {
  const chaos = chaosDriver();
  const disk = chaos.add('a', { sectors: SECTORS, limits });
  const engine = createEngine({ types: [chaos, ...types] });
  later(() => engine.close());
  return { engine, disk };
}

/** A table line over the disk. */
export function line(cipherKeyIv: string, options = '', sectors = SECTORS): string {
  return `0 ${String(sectors)} crypt ${cipherKeyIv} chaos:a 0 ${options}`;
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
