import { VirtualClock } from '@interposer/conformance';
import { BioOp, bioPool, createEngine, type Engine, type Port } from '@interposer/core';
import { nbd } from '../src/index.ts';
import { FakeServer, type FakeOptions } from './fake-server.ts';

/** What a test leaves behind, last in first out. */
export const cleanups: (() => unknown)[] = [];

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export async function start(options: FakeOptions = {}): Promise<FakeServer> {
  const server = await new FakeServer(options).start();
  cleanups.push(() => server.stop());
  return server;
}

export interface Opened {
  readonly server: FakeServer;
  readonly engine: Engine;
  readonly port: Port;
  readonly clock: VirtualClock;
  readonly log: string[];
}

/** A device on a fake server; time stands still. `query` is put behind the URI. */
export async function open(
  options: FakeOptions = {},
  mode: 'read' | 'write' = 'write',
  query = '',
): Promise<Opened> {
  const server = await start(options);
  const clock = new VirtualClock();
  const engine = createEngine({ types: [nbd], clock });
  const log: string[] = [];
  engine.onEvent((event) => log.push(event.message));
  const port = await engine.open(`${server.uri}${query}`, { mode });
  cleanups.push(() => port.close());
  return { server, engine, port, clock, log };
}

/** Lets time pass until something is so. */
export async function passTime(clock: VirtualClock, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1);
  }
}

/** A write with flags, or another change as long as it, as one bio; its status. */
export function writeBio(
  port: Port,
  flags: number,
  sector = 0,
  data = Buffer.alloc(512, 7),
  op: BioOp = BioOp.Write,
): Promise<number> {
  return new Promise((resolve) => {
    const bio = bioPool.get();
    bio.op = op;
    bio.flags = flags;
    bio.sector = sector;
    bio.count = data.length / 512;
    bio.buffer = data;
    bio.end = (done) => {
      const { status } = done;
      bioPool.put(done);
      resolve(status);
    };
    port.submit(bio);
  });
}
