import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryDriver, VirtualClock } from '@interposer/conformance';
import { type Bio, bioPool, BioOp, createEngine, type Engine, MapResult, type Port } from '@interposer/core';
import { readTrace, type TraceHeader, type TraceRecord } from '../src/index.ts';
import { traceOver } from '../src/trace.ts';
import { type MemoryFile, MemoryFiles } from './memory-files.ts';

const PATH = '/the.trace';
const BUFFER = new Uint8Array(64 * 512);

/** What a trace was found to be. */
export interface Found {
  readonly header: TraceHeader;
  readonly partialBytes: number;
  readonly records: readonly TraceRecord[];
}

/** A disk of 1024 sectors whose bios end when the test says, with a trace over it that goes to a file in memory. */
export class Traced {
  readonly clock: VirtualClock = new VirtualClock();
  readonly log: string[] = [];
  readonly engine: Engine;
  /** Bios that reached the disk and have not ended. */
  readonly below: Bio[] = [];
  /** Statuses of the bios that ended, in order. */
  readonly ended: number[] = [];
  /** Whether bios wait on the disk until `end`. */
  holds = true;
  readonly #files = new MemoryFiles();
  readonly #port: Port;

  private constructor(engine: Engine, clock: VirtualClock, files: MemoryFiles, port: Port) {
    this.engine = engine;
    this.clock = clock;
    this.#files = files;
    this.#port = port;
    engine.onEvent((event) =>
      this.log.push(event.kind === 'log' ? event.message : `fault: ${event.message}`),
    );
  }

  /** Without a trace yet. */
  static async open(): Promise<Traced> {
    const clock = new VirtualClock();
    const files = new MemoryFiles();
    const memory = memoryDriver();
    const disk = memory.add('disk', { sectors: 1024 });
    const engine = createEngine({ types: [memory, traceOver(files.open)], clock });
    const traced = new Traced(engine, clock, files, await engine.open('memory:disk'));
    disk.submit = (bio) => {
      if (traced.holds) traced.below.push(bio);
      else bio.complete(0);
      return MapResult.Submitted;
    };
    return traced;
  }

  get device(): string {
    return this.#port.device.number;
  }

  get file(): MemoryFile {
    return this.#files.get(PATH);
  }

  async attach(options = ''): Promise<void> {
    await this.engine.attachFilter(this.device, `trace ${PATH} ${options}`);
  }

  detach(): Promise<void> {
    return this.engine.detachFilter(this.device, 'trace');
  }

  message(...words: readonly string[]): Promise<string> {
    return this.engine.messageFilter(this.device, 'trace', words);
  }

  async status(): Promise<string> {
    const [filter] = await this.engine.filters(this.device);
    return filter!.status;
  }

  submit(op: BioOp = BioOp.Read, sector = 0, count = op === BioOp.Flush ? 0 : 8, flags = 0): void {
    const bio = bioPool.get();
    bio.op = op;
    bio.sector = sector;
    bio.count = count;
    bio.flags = flags;
    bio.buffer = BUFFER;
    bio.end = (done) => {
      this.ended.push(done.status);
      bioPool.put(done);
    };
    this.#port.submit(bio);
  }

  /** Reads that end at once. */
  run(bios: number): void {
    this.holds = false;
    for (let i = 0; i < bios; i++) this.submit();
  }

  /** Ends the bio that has been on the disk so long that so many came before it. */
  end(index = 0, status = 0): void {
    const [bio] = this.below.splice(index, 1);
    bio!.complete(status);
  }

  /** What the file holds now, read with the package's reader from a file of the directory. */
  async read(directory: string): Promise<Found> {
    const path = join(directory, 'read.trace');
    writeFileSync(path, this.file.bytes);
    return readAll(path);
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.engine.close();
  }
}

/** All of a trace. */
export async function readAll(path: string): Promise<Found> {
  const { header, partialBytes, records } = await readTrace(path);
  const all: TraceRecord[] = [];
  for await (const record of records()) all.push(record);
  return { header, partialBytes, records: all };
}
