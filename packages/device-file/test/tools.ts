import { mkdtempSync, openSync, closeSync, ftruncateSync, rmSync } from 'node:fs';
import { close, fdatasync, read, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createEngine,
  type DriverType,
  type Engine,
  type EngineEvent,
  type Port,
  SECTOR_SIZE,
} from '@interposer/core';
import { afterEach, beforeEach, vi } from 'vitest';
import { file } from '../src/index.ts';
import { openImage } from '../src/open-image.ts';
import type { SystemCalls } from '../src/syscalls.ts';

/** With koffi and without, for `describe.each`. */
export const BOTH_WAYS: readonly (readonly [string, string])[] = [
  ['with koffi', '0'],
  ['without koffi', '1'],
];

/** Sectors that say their own number and a round. */
export function stamped(sector: number, count: number, round = 0): Buffer {
  const data = Buffer.alloc(count * SECTOR_SIZE);
  for (let i = 0; i < count; i++) {
    data.fill(((sector + i + round * 31) % 251) + 1, i * SECTOR_SIZE, (i + 1) * SECTOR_SIZE);
  }
  return data;
}

export function zeroes(count: number): Buffer {
  return Buffer.alloc(count * SECTOR_SIZE);
}

/** Whether the device holds these bytes from a sector on, and all of them are read anew. */
export async function holds(port: Port, sector: number, data: Buffer): Promise<boolean> {
  const dirty = Buffer.alloc(data.length, 0xee);
  await port.read(sector, data.length / SECTOR_SIZE, dirty);
  return dirty.equals(data);
}

/** A folder for one test, with an engine that knows files. */
export class Workshop {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'interposer-file-'));
  readonly engine: Engine;
  readonly events: EngineEvent[] = [];
  readonly #engines: Engine[] = [];
  readonly #ports: Port[] = [];

  constructor() {
    this.engine = this.newEngine(file);
  }

  newEngine(type: DriverType): Engine {
    const engine = createEngine({ types: [type] });
    engine.onEvent((event) => this.events.push(event));
    this.#engines.push(engine);
    return engine;
  }

  /** What the engines logged. */
  get log(): string[] {
    return this.events.map((event) => (event.kind === 'log' ? event.message : event.kind));
  }

  /** The path of a sparse image of so many bytes. */
  image(bytes: number, name = 'disk.img'): string {
    const path = join(this.directory, name);
    const fd = openSync(path, 'w');
    ftruncateSync(fd, bytes);
    closeSync(fd);
    return path;
  }

  async open(path: string, mode: 'read' | 'write' = 'write', engine: Engine = this.engine): Promise<Port> {
    const port = await engine.open(path, { mode });
    this.#ports.push(port);
    return port;
  }

  /** An image on the real system calls, some of them replaced. */
  openFaked(bytes: number, calls: Partial<SystemCalls>): Promise<Port> {
    const table: SystemCalls = { read, write, fdatasync, close, ffi: undefined, ...calls };
    const engine = this.newEngine({
      ...file,
      open: (request) => openImage(request, table),
    });
    return this.open(this.image(bytes), 'write', engine);
  }

  async close(): Promise<void> {
    for (const port of this.#ports.splice(0)) port.close();
    try {
      for (const engine of this.#engines) await engine.close();
    } finally {
      rmSync(this.directory, { recursive: true });
    }
  }
}

/** A workshop for each test of a file, gone after it. */
export function useWorkshop(): () => Workshop {
  let workshop: Workshop;
  beforeEach(() => {
    workshop = new Workshop();
  });
  afterEach(async () => {
    await workshop.close();
    vi.unstubAllEnvs();
  });
  return () => workshop;
}

/** An error as Node reports one of the operating system. */
export function systemError(code: string, errno: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made up`), { code, errno: -errno });
}
