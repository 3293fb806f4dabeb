import { asError, type Clock, fromSystemError, type InterposerError } from '@interposer/core';
import type { LogFile } from './log-file.ts';

/** Bytes of lines that are collected before they are written. */
const BATCH_SIZE = 256 * 1024;

/** How many batches a log has: one is filled while another is written. */
const BATCHES = 2;

/** Milliseconds after which a line is on its way to the file though its batch is not full. */
const INTERVAL = 1000;

const NEWLINE = Buffer.from('\n');

/** What a line says. */
export interface Entry {
  readonly device: string;
  readonly op: string;
  readonly sector: number;
  readonly count: number;
  /** `refused`, `ok`, or the code of the error with which it failed. */
  readonly outcome: string;
  /** The rule that refused or logged it. */
  readonly rule: string;
}

/** What a log is made of. */
export interface AuditLogOptions {
  readonly file: LogFile;
  /** For messages. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

interface Batch {
  readonly bytes: Buffer;
  used: number;
  lines: number;
  /** Lost lines that its first line tells of. */
  gap: number;
}

/**
 * Brings lines of JSON to a file. Requests never wait for it, so lines are lost when the file is too slow or fails; they are
 * counted, and the next line that gets through is preceded by one that says how many are missing.
 */
export class AuditLog {
  /** Lines in the file, those about lost lines not counted. */
  written = 0;
  /** Lines that are not in the file and never will be. */
  lost = 0;
  readonly #options: AuditLogOptions;
  readonly #free: Batch[] = Array.from({ length: BATCHES }, newBatch);
  /** The one that is being filled, from its first line on. */
  #batch: Batch | null = null;
  #cancelTimer: () => void = () => undefined;
  /** Lost lines that no line tells of yet. */
  #gap = 0;
  /** Settles when every batch that was handed over is written or lost; never rejects. */
  #settled: Promise<void> = Promise.resolve();
  #failure: InterposerError | null = null;
  /** The last write ended in the middle of a line. */
  #torn = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** Why the last write failed; null where it did not. */
  get failure(): InterposerError | null {
    return this.#failure;
  }

  put(entry: Entry): void {
    const line = lineOf(entry);
    const size = Buffer.byteLength(line);
    if (this.#batch !== null && this.#batch.used + size > BATCH_SIZE) this.#handOver();
    const batch = this.#batch ?? this.#nextBatch();
    if (batch === null) {
      this.lost++;
      this.#gap++;
      return;
    }
    append(batch, line);
    batch.lines++;
  }

  /** Resolves when every line up to now is on stable storage. Rejects if lines were lost and the file still fails. */
  async flush(): Promise<void> {
    this.#handOver();
    await this.#settled;
    if (this.#gap > 0 && this.#batch === null) this.#nextBatch();
    this.#handOver();
    await this.#settled;
    if (this.#failure === null)
      await this.#options.file.datasync().catch((error: unknown) => this.#fail(error));
    if (this.#failure !== null) throw this.#failure;
  }

  /** Writes what there is and closes the file. What cannot be written is told to the log of the engine, and is no error. */
  async close(): Promise<void> {
    const { file, path, log } = this.#options;
    // The reason was told when it was found.
    await this.flush().catch(() => undefined);
    if (this.#gap > 0) log(`filter access: log=${path}: the last ${String(this.#gap)} lines are missing`);
    await file.close();
  }

  /** Null if all are under way. */
  #nextBatch(): Batch | null {
    const batch = this.#free.pop();
    if (batch === undefined) return null;
    batch.used = 0;
    batch.lines = 0;
    batch.gap = this.#gap;
    this.#gap = 0;
    if (batch.gap > 0) append(batch, lineOf({ lost: batch.gap }));
    const timer = this.#options.clock.after(INTERVAL, () => {
      this.#handOver();
    });
    this.#cancelTimer = () => {
      timer.cancel();
    };
    this.#batch = batch;
    return batch;
  }

  #handOver(): void {
    const batch = this.#batch;
    if (batch === null) return;
    this.#batch = null;
    this.#cancelTimer();
    this.#settled = this.#settled.then(() => this.#write(batch));
  }

  async #write(batch: Batch): Promise<void> {
    try {
      if (this.#torn) await this.#writeAll(NEWLINE, 1);
      this.#torn = false;
      await this.#writeAll(batch.bytes, batch.used);
      this.written += batch.lines;
      this.#recover();
    } catch (error) {
      this.lost += batch.lines;
      this.#gap += batch.lines + batch.gap;
      this.#fail(error);
    }
    this.#free.push(batch);
  }

  async #writeAll(bytes: Uint8Array, size: number): Promise<void> {
    for (let done = 0; done < size;) {
      const { bytesWritten } = await this.#options.file.write(bytes, done, size - done);
      if (bytesWritten === 0) throw new Error('nothing was written');
      done += bytesWritten;
      this.#torn = done < size;
    }
  }

  /** The next batch tries again: room may be made on a full disk. */
  #fail(error: unknown): void {
    const { path, log } = this.#options;
    const failure = fromSystemError(asError(error), `filter access: log=${path}`);
    if (this.#failure?.message !== failure.message) log(`${failure.message}; lines are lost`);
    this.#failure = failure;
  }

  #recover(): void {
    if (this.#failure === null) return;
    this.#failure = null;
    this.#options.log(`filter access: log=${this.#options.path}: is written again`);
  }
}

function newBatch(): Batch {
  return { bytes: Buffer.allocUnsafe(BATCH_SIZE), used: 0, lines: 0, gap: 0 };
}

function append(batch: Batch, line: string): void {
  batch.used += batch.bytes.write(line, batch.used);
}

function lineOf(entry: Entry | { readonly lost: number }): string {
  return `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;
}
