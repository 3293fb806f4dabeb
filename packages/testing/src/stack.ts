import {
  createEngine,
  type Engine,
  type EngineOptions,
  fail,
  type FilterType,
  type Port,
  SECTOR_SIZE,
} from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { logWritesFilter } from '@interposer/target-log-writes';
import type { Contents } from './image.ts';

/** A filter to put on a disk, with its words. */
export interface Layer {
  readonly type: FilterType;
  readonly words: string;
}

/** What a disk is made of. */
export interface StackOptions extends Pick<EngineOptions, 'clock'> {
  /** As `ram:SIZE` takes it; absent: that of the contents. */
  readonly size: string | undefined;
  /** What is on it at first; absent: zeroes. */
  readonly contents: Contents | undefined;
  readonly layers: readonly Layer[];
}

/** A disk in memory with filters, in an engine of its own. */
export interface Stack {
  readonly engine: Engine;
  /** Enters at the top. */
  readonly port: Port;
}

/** Fails with the code of what went wrong; then nothing is left. */
export async function makeStack({ size, contents, layers, ...options }: StackOptions): Promise<Stack> {
  const engine = createEngine({
    ...options,
    types: [ram, logWritesFilter, ...layers.map(({ type }) => type)],
  });
  const port = await engine.open(`ram:${size ?? String(contents?.size)}`, { claim: 'noexcl' });
  try {
    await fill(port, contents);
    const device = port.device.name;
    await engine.transaction(
      layers.map(({ type, words }) => ({ kind: 'attach', device, filter: `${type.name} ${words}` })),
    );
    return { engine, port };
  } catch (error) {
    port.close();
    await engine.close();
    throw error;
  }
}

async function fill(port: Port, contents: Contents | undefined): Promise<void> {
  if (contents === undefined) return;
  const size = port.limits.sectors * SECTOR_SIZE;
  if (size < contents.size) {
    throw fail(
      'EINVAL',
      `the size is ${String(size)} bytes, less than the ${String(contents.size)} of the image`,
    );
  }
  await contents.fill(port);
}
