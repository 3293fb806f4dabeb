import { createEngine, type Engine, type Port } from '@interposer/core';
import { file } from '@interposer/device-file';
import type { Subject } from './settings.ts';

/** The disk before the first write, and the log of the writes. */
export interface Disks {
  readonly base: Port;
  readonly log: Port;
}

/** Opens both for reading while some work goes on. */
export async function withDisks<T>(
  { base, log }: Pick<Subject, 'base' | 'log'>,
  report: (message: string) => void,
  work: (disks: Disks) => Promise<T>,
): Promise<T> {
  const engine = createEngine({ types: [file] });
  engine.onEvent(({ message }) => {
    report(message);
  });
  try {
    return await withPort(engine, base, (basePort) =>
      withPort(engine, log, (logPort) => work({ base: basePort, log: logPort })),
    );
  } finally {
    await engine.close();
  }
}

async function withPort<T>(engine: Engine, path: string, work: (port: Port) => Promise<T>): Promise<T> {
  const port = await engine.open(path, { mode: 'read', claim: 'shared', holder: 'crash-test' });
  try {
    return await work(port);
  } finally {
    port.close();
  }
}
