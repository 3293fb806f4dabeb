import { ChunkTable, NO_CHUNK } from './chunk-table.ts';
import { ExceptionQueue, PendingException } from './pending-exception.ts';

/** The exceptions of a snapshot that are on their way. They are used again: after a while a new one allocates nothing. */
export class PendingExceptions {
  readonly #all: PendingException[] = [];
  readonly #free: PendingException[] = [];
  readonly #byChunk = new ChunkTable();
  /** In the order of their chunks in the store, as they are committed. */
  readonly #order = new ExceptionQueue();

  /** How many there are. */
  get size(): number {
    return this.#all.length - this.#free.length;
  }

  /** The one of a chunk; null where there is none. */
  find(chunk: number): PendingException | null {
    if (this.#byChunk.size === 0) return null;
    const index = this.#byChunk.get(chunk);
    return index === NO_CHUNK ? null : this.#all[index]!;
  }

  /** By its index. */
  at(index: number): PendingException {
    return this.#all[index]!;
  }

  /** A new one, for a chunk that has none. */
  begin(chunk: number, cowChunk: number): PendingException {
    const exception = this.#free.pop() ?? this.#make();
    exception.chunk = chunk;
    exception.cowChunk = cowChunk;
    this.#byChunk.set(chunk, exception.index);
    this.#order.push(exception);
    return exception;
  }

  /** Takes the next one out of the order, if it is copied; null if it is not. */
  shiftCopied(): PendingException | null {
    return this.#order.head?.copied === true ? this.#order.shift() : null;
  }

  /** It is no longer found; `put` it back when all who wait for it know. */
  end(exception: PendingException): void {
    this.#byChunk.delete(exception.chunk);
  }

  /** Takes one back that has ended and that nobody waits for any more. */
  put(exception: PendingException): void {
    exception.reset();
    this.#free.push(exception);
  }

  #make(): PendingException {
    const exception = new PendingException(this.#all.length);
    this.#all.push(exception);
    return exception;
  }
}
