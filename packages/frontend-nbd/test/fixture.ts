import {
  type ChaosDisk,
  type ChaosOptions,
  chaosDriver,
  passFilter,
  spanTarget,
} from '@interposer/conformance';
import { createEngine, type Engine, type PluginType, type Port } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { join } from 'node:path';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { type NbdEvent, type NbdExport, NbdServer, type NbdServerOptions } from '../src/index.ts';
import { ChunkClient, type DialectName } from './chunk-client.ts';
import { RawClient } from './raw-client.ts';

/** A server with one export, over a disk that can be held, or over memory. */
export class Fixture {
  readonly server: NbdServer;
  readonly engine: Engine;
  readonly port: Port;
  readonly path: string;
  readonly disk: ChaosDisk | null;
  readonly chaos: ReturnType<typeof chaosDriver>;
  readonly events: NbdEvent[];

  constructor(parts: Pick<Fixture, 'server' | 'engine' | 'port' | 'path' | 'disk' | 'chaos' | 'events'>) {
    this.server = parts.server;
    this.engine = parts.engine;
    this.port = parts.port;
    this.path = parts.path;
    this.disk = parts.disk;
    this.chaos = parts.chaos;
    this.events = parts.events;
  }

  connect(): RawClient {
    const client = new RawClient(this.path);
    later(() => client.close());
    return client;
  }

  /** Puts another table under a mapped device. */
  async reload(sectors: number, disk = 'disk'): Promise<void> {
    await this.engine.load('mapped', `0 ${String(sectors)} span chaos:${disk} 0`);
    await this.engine.resume('mapped');
  }

  /** Connected, and past the handshake. */
  client(name = ''): Promise<RawClient> {
    return this.connect().go(name);
  }

  /** The same for one that checks every reply, in any dialect, with contexts. */
  async checked(dialect: DialectName, queries: readonly string[] = [], name = ''): Promise<ChunkClient> {
    const client = new ChunkClient(this.path, dialect);
    later(() => client.close());
    return client.open(queries, name);
  }

  get uri(): string {
    return `nbd+unix:///?socket=${this.path}`;
  }
}

export interface FixtureOptions extends NbdServerOptions {
  /** The spec of a device; by default a disk of the conformance kit, which answers at once. */
  readonly device?: string;
  readonly disk?: Partial<ChaosOptions>;
  /** The export is a mapped device of so many sectors of the disk. */
  readonly mapped?: number;
  /** Further types that the test uses. */
  readonly types?: readonly PluginType[];
  readonly exported?: Partial<NbdExport>;
}

export async function serve(options: FixtureOptions = {}): Promise<Fixture> {
  const chaos = chaosDriver();
  const disk = options.device === undefined ? chaos.add('disk', { sectors: 2048, ...options.disk }) : null;
  const engine = createEngine({ types: [chaos, ram, passFilter, spanTarget, ...(options.types ?? [])] });
  if (options.mapped !== undefined) {
    await engine.create('mapped', { table: `0 ${String(options.mapped)} span chaos:disk 0` });
  }
  const device = options.mapped === undefined ? 'chaos:disk' : 'mapped';
  const port = await engine.open(options.device ?? device);
  const events: NbdEvent[] = [];
  const server = new NbdServer({ onEvent: (event) => events.push(event), ...options });
  server.addExport({ name: '', port, ...options.exported });
  const path = join(await temporaryFolder(), 'nbd.sock');
  await server.listen({ path });
  later(async () => {
    disk?.release();
    await server.close();
    port.close();
    await engine.close();
  });
  return new Fixture({ server, engine, port, path, disk, chaos, events });
}

/** Resolves when a condition holds, looked at once in each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + seed * 101) & 0xff;
  return bytes;
}
