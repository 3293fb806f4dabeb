import { asError, type Bio, type Clock, fail, fromSystemError, type InterposerError } from '@interposer/core';
import { RECORD_SIZE, RecordField, RecordKind, setUint64 } from './format.ts';
import type { InFlight } from './in-flight.ts';
import { Slab, SLAB_SIZE } from './slab.ts';
import type { TraceFile } from './trace-file.ts';

/** How many slabs a trace has: one is filled while others are written. */
const SLABS = 4;

/** Milliseconds after which a record is on its way to the file though its slab is not full. */
const INTERVAL = 1000;

const NANOSECONDS = 1e6;
const DEEPEST = 0xffff;

/** Whether bios are recorded: `full` is at the largest size of the file, `failed` after an error of the file. */
export type TraceState = 'recording' | 'stopped' | 'full' | 'failed';

/** What a writer is made of. */
export interface TraceWriterOptions {
  readonly file: TraceFile;
  /** For messages. */
  readonly path: string;
  /** Bytes that are in the file. */
  readonly headerSize: number;
  /** Bytes that the file may have. */
  readonly max: number;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/**
 * Turns bios into records and brings them to the file, in the order in which they end. Bios never wait for the file: when
 * all slabs are under way, records are dropped and counted.
 */
export class TraceWriter {
  /** Bios that are in the file or on their way to it. */
  records = 0;
  /** Bios that were to be recorded, and are not. */
  dropped = 0;
  /** Bytes in the file. */
  bytes: number;
  readonly #options: TraceWriterOptions;
  readonly #start: number;
  readonly #free: Slab[] = Array.from({ length: SLABS }, () => new Slab());
  /** The one that is being filled, from its first record on. */
  #slab: Slab | null = null;
  /** Bytes the file will have when all slabs are written. */
  #promised: number;
  /** Settles when every slab that was handed over is written, or failed; never rejects. */
  #written: Promise<void> = Promise.resolve();
  #state: TraceState = 'recording';
  #failure: InterposerError | null = null;
  // Bios that were dropped since the last record, and when the first and the last of them ended.
  #gap = 0;
  #gapStart = 0;
  #gapEnd = 0;

  constructor(options: TraceWriterOptions) {
    this.#options = options;
    this.#start = options.clock.now();
    this.bytes = options.headerSize;
    this.#promised = options.headerSize;
  }

  get state(): TraceState {
    return this.#state;
  }

  get isRecording(): boolean {
    return this.#state === 'recording';
  }

  get failure(): InterposerError | null {
    return this.#failure;
  }

  /** Records a bio that has ended. */
  put(bio: Bio, { submitted, numbers, depths }: InFlight, flight: number): void {
    const now = this.#options.clock.now();
    const slab = this.#slab ?? this.#nextSlab();
    if (slab === null) {
      this.#drop(now);
      return;
    }
    const { view, filled: at } = slab;
    const came = submitted[flight]!;
    view.setUint8(at + RecordField.kind, RecordKind.Bio);
    view.setUint8(at + RecordField.op, bio.op);
    view.setUint16(at + RecordField.flags, bio.flags, true);
    view.setUint16(at + RecordField.status, bio.status, true);
    view.setUint16(at + RecordField.depth, Math.min(depths[flight]!, DEEPEST), true);
    setUint64(view, at + RecordField.number, numbers[flight]!);
    setUint64(view, at + RecordField.time, Math.round((came - this.#start) * NANOSECONDS));
    setUint64(view, at + RecordField.duration, Math.round((now - came) * NANOSECONDS));
    setUint64(view, at + RecordField.sector, bio.sector);
    setUint64(view, at + RecordField.count, bio.count);
    this.records++;
    slab.bios++;
    this.#close(slab);
  }

  /** Sends what there is to the file, without waiting. */
  handOver(): void {
    const slab = this.#slab;
    if (slab === null) return;
    this.#slab = null;
    slab.timer?.cancel();
    this.#promised += slab.filled;
    if (this.#isAtMax && this.isRecording) this.#state = 'full';
    this.#written = this.#written.then(() => this.#write(slab));
  }

  /** Resolves when everything up to now is in the file, on stable storage. Rejects with the error that stopped the trace. */
  async flush(): Promise<void> {
    this.handOver();
    await this.#written;
    if (this.#gap > 0 && this.#state !== 'failed') {
      // There is a free slab now, for the record of the gap at least.
      if (this.#slab === null) this.#nextSlab();
      this.handOver();
      await this.#written;
    }
    if (this.#failure === null)
      await this.#options.file.datasync().catch((error: unknown) => this.#fail(error));
    this.#throwFailure();
  }

  /** Records no more until `start`; what there is goes to the file, as with `flush`. */
  async stop(): Promise<void> {
    if (this.isRecording) this.#state = 'stopped';
    await this.flush();
  }

  /** Records again. EINVAL if the file is full; rejects with the error that stopped the trace. */
  start(): void {
    this.#throwFailure();
    if (this.#isAtMax) {
      throw fail('EINVAL', `filter trace: ${this.#options.path} has reached its largest size`);
    }
    this.#state = 'recording';
  }

  /** Brings everything to the file and closes it. Rejects with the error that stopped the trace. */
  async close(): Promise<void> {
    try {
      await this.stop();
    } finally {
      await this.#options.file.close();
    }
  }

  get #room(): number {
    return this.#options.max - this.#promised;
  }

  get #isAtMax(): boolean {
    return this.#room < RECORD_SIZE;
  }

  /** Null if none is free, or the file is full. */
  #nextSlab(): Slab | null {
    const slab = this.#isAtMax ? undefined : this.#free.pop();
    if (slab === undefined) return null;
    slab.begin(Math.min(SLAB_SIZE, this.#room - (this.#room % RECORD_SIZE)));
    slab.timer = this.#options.clock.after(INTERVAL, this.#onInterval);
    this.#slab = slab;
    if (this.#gap > 0) this.#putGap(slab);
    // The record of a gap may have been the last that the file takes.
    return this.#slab;
  }

  readonly #onInterval = (): void => {
    this.handOver();
  };

  /** The record behind the last one is complete. */
  #close(slab: Slab): void {
    slab.filled += RECORD_SIZE;
    if (slab.filled === slab.end) this.handOver();
  }

  #drop(now: number): void {
    // What a full file has no room for is not lost for want of speed.
    if (this.#isAtMax) return;
    this.dropped++;
    if (this.#gap++ === 0) this.#gapStart = now;
    this.#gapEnd = now;
  }

  #putGap(slab: Slab): void {
    const { view, filled: at } = slab;
    slab.bytes.fill(0, at, at + RECORD_SIZE);
    view.setUint8(at + RecordField.kind, RecordKind.Dropped);
    setUint64(view, at + RecordField.time, Math.round((this.#gapStart - this.#start) * NANOSECONDS));
    setUint64(view, at + RecordField.duration, Math.round((this.#gapEnd - this.#gapStart) * NANOSECONDS));
    setUint64(view, at + RecordField.count, this.#gap);
    this.#gap = 0;
    this.#close(slab);
  }

  async #write(slab: Slab): Promise<void> {
    const { file } = this.#options;
    try {
      for (let done = 0; done < slab.filled && this.#failure === null;) {
        const { bytesWritten } = await file.write(slab.bytes, done, slab.filled - done, this.bytes);
        if (bytesWritten === 0) throw new Error('nothing was written');
        done += bytesWritten;
        this.bytes += bytesWritten;
      }
    } catch (error) {
      this.#fail(error);
    }
    if (this.#failure !== null) this.#lose(slab);
    this.#free.push(slab);
  }

  /** The file is given up; bios go on. */
  #fail(error: unknown): void {
    const { path, log } = this.#options;
    this.#failure = fromSystemError(asError(error), `filter trace: ${path}`);
    this.#state = 'failed';
    log(`${this.#failure.message}; nothing more is recorded`);
    const slab = this.#slab;
    this.#slab = null;
    if (slab === null) return;
    slab.timer?.cancel();
    this.#lose(slab);
    this.#free.push(slab);
  }

  #lose(slab: Slab): void {
    this.records -= slab.bios;
    this.dropped += slab.bios;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}
