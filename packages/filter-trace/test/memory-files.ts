import type { OpenTraceFile, TraceFile } from '../src/trace-file.ts';

/** A trace file in memory, whose writes the test can hold back, shorten and fail. */
export class MemoryFile implements TraceFile {
  /** What was called, in order, but writes. */
  readonly calls: string[] = [];
  /** Writes wait until it is null again. */
  held: Promise<void> | null = null;
  failure: Error | null = null;
  /** The most bytes that one write takes. */
  longest = Infinity;
  writes = 0;
  #bytes = new Uint8Array(0);
  #release: (() => void) | null = null;

  get bytes(): Uint8Array {
    return this.#bytes.slice();
  }

  hold(): void {
    this.held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.held = null;
    this.#release?.();
  }

  async write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }> {
    this.writes++;
    await this.held;
    if (this.failure !== null) throw this.failure;
    const bytesWritten = Math.min(length, this.longest);
    const grown = new Uint8Array(Math.max(this.#bytes.length, position + bytesWritten));
    grown.set(this.#bytes);
    grown.set(bytes.subarray(offset, offset + bytesWritten), position);
    this.#bytes = grown;
    return { bytesWritten };
  }

  async datasync(): Promise<void> {
    this.calls.push('datasync');
    if (this.failure !== null) throw this.failure;
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  async remove(): Promise<void> {
    this.calls.push('remove');
  }
}

/** A file system of such files. A file that is opened again is a new one. */
export class MemoryFiles {
  readonly #files = new Map<string, MemoryFile>();

  readonly open: OpenTraceFile = async (path) => {
    const file = new MemoryFile();
    this.#files.set(path, file);
    return file;
  };

  get(path: string): MemoryFile {
    return this.#files.get(path)!;
  }
}
