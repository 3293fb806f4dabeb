import {
  ALL_OPS,
  type Bio,
  type BlockDevice,
  type Clock,
  defineFilter,
  EndResult,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterContext,
  type FilterType,
  fromSystemError,
  type Param,
  PreResult,
  quoteWord,
} from '@interposer/core';
import { encodeHeader } from './format.ts';
import { InFlight } from './in-flight.ts';
import { openTraceFile, type OpenTraceFile, type TraceFile } from './trace-file.ts';
import { TraceWriter } from './trace-writer.ts';

/** What the parser makes of the filter's arguments. */
interface TraceArgs {
  readonly file: string;
  readonly options: {
    readonly sample?: number;
    readonly max?: number;
    readonly replace?: 'yes' | 'no';
  };
}

/** A file of fewer bytes is no use. */
const SMALLEST_MAX = 64 * 1024;

class TraceFilter implements Filter {
  readonly #args: string;
  readonly #sample: number;
  readonly #file: TraceFile;
  readonly #writer: TraceWriter;
  readonly #flights = new InFlight();
  readonly #clock: Clock;
  /** Knows how many bios are inside the device, those that are not recorded too. */
  readonly #gate: BlockDevice['gate'];
  /** Bios up to the next that is recorded. */
  #left = 1;
  /** Of the bio that was looked at last. */
  #number: number;
  /** Whether it was ever in the path. */
  #used = false;
  /** Whether the file had failed when the gate closed. */
  #hadFailed = false;

  constructor({ clock, port }: FilterContext, args: TraceArgs, file: TraceFile, writer: TraceWriter) {
    this.#args = textOf(args);
    this.#sample = args.options.sample ?? 1;
    this.#number = 1 - this.#sample;
    this.#file = file;
    this.#writer = writer;
    this.#clock = clock;
    this.#gate = port.device.gate;
  }

  pre(bio: Bio): PreResult {
    if (--this.#left > 0) return PreResult.Pass;
    this.#left = this.#sample;
    this.#number += this.#sample;
    if (!this.#writer.isRecording) return PreResult.Pass;
    const flights = this.#flights;
    const flight = flights.take();
    flights.submitted[flight] = this.#clock.now();
    flights.numbers[flight] = this.#number;
    flights.depths[flight] = this.#gate.inflight;
    bio.cookie = flight;
    return PreResult.Watch;
  }

  post(bio: Bio, flight: number): EndResult {
    if (this.#writer.isRecording) this.#writer.put(bio, this.#flights, flight);
    this.#flights.give(flight);
    return EndResult.Done;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return this.#args;
  }

  /** `<state> records=<bios> dropped=<bios> bytes=<size of the file>`, and for a failed one the reason. */
  status(): string {
    const { state, records, dropped, bytes, failure } = this.#writer;
    const reason = failure === null ? '' : ` ${failure.message.replace(/\s+/g, ' ')}`;
    return `${state} records=${String(records)} dropped=${String(dropped)} bytes=${String(bytes)}${reason}`;
  }

  /** `flush`, `stop` and `start`. */
  async message(words: readonly string[]): Promise<string> {
    switch (words.join(' ')) {
      case 'flush':
        await this.#writer.flush();
        break;
      case 'stop':
        await this.#writer.stop();
        break;
      case 'start':
        this.#writer.start();
        break;
      default:
        throw fail(
          'EINVAL',
          `filter trace: unknown message "${words.join(' ')}"; messages: flush, stop, start`,
        );
    }
    return '';
  }

  presuspend(): void {
    this.#hadFailed = this.#writer.failure !== null;
    this.#writer.handOver();
  }

  resume(): void {
    this.#used = true;
  }

  /**
   * Rejects with an error of the file that came up since the gate closed; an earlier one was to be seen. What an attachment
   * that was given up leaves behind would be in the way of the next try.
   */
  async detach(): Promise<void> {
    try {
      await this.#writer.close();
    } catch (error) {
      if (!this.#hadFailed) throw error;
    } finally {
      if (!this.#used) await this.#file.remove();
    }
  }
}

const PARAMS = [
  { name: 'file', kind: 'word', about: 'the file to write, an absolute path; it must not exist' },
  {
    name: 'options',
    kind: 'options',
    about: 'what to record, and where to end',
    of: [
      { name: 'sample', kind: 'uint', min: 1, max: 2 ** 31 - 1, about: 'record one bio in so many' },
      { name: 'max', kind: 'size', min: SMALLEST_MAX, about: 'largest size of the file' },
      { name: 'replace', kind: 'choice', values: ['yes', 'no'], about: 'yes: overwrite a trace' },
    ],
  },
] as const satisfies readonly Param[];

/** The type over a way to open files; for tests of what no file system does on demand. */
export function traceOver(open: OpenTraceFile): FilterType {
  return defineFilter({
    name: 'trace',
    version: [1, 0, 0],
    altitude: '460000',
    ops: ALL_OPS,
    knowsIntegrity: true,
    params: PARAMS,
    attach: (context, args) => attachTrace(open, context, args),
  });
}

/** Writes every bio of a device, or one in so many, with its times to a file. */
export const trace: FilterType = traceOver(openTraceFile);

async function attachTrace(open: OpenTraceFile, context: FilterContext, args: TraceArgs): Promise<Filter> {
  const path = args.file;
  const { sample = 1, max = Number.MAX_SAFE_INTEGER, replace } = args.options;
  const { port, clock, log } = context;
  const { name, limits } = port.device;
  const file = await open(path, replace === 'yes');
  const header = encodeHeader({ device: name, sectors: limits.sectors, started: Date.now(), sample });
  await writeHeader(file, path, header);
  const writer = new TraceWriter({ file, path, headerSize: header.length, max, clock, log });
  return new TraceFilter(context, args, file, writer);
}

async function writeHeader(file: TraceFile, path: string, header: Uint8Array): Promise<void> {
  try {
    const { bytesWritten } = await file.write(header, 0, header.length, 0);
    if (bytesWritten < header.length) throw new Error('the header was cut short');
  } catch (error) {
    await Promise.allSettled([file.remove(), file.close()]);
    throw fromSystemError(error, `filter trace: ${path}`);
  }
}

function textOf({ file, options }: TraceArgs): string {
  const words = [quoteWord(file)];
  for (const [name, value] of Object.entries(options)) words.push(`${name}=${String(value)}`);
  return words.join(' ');
}
