import { fail, type Port, Status } from '@interposer/core';
import { copyBytes } from './bytes.ts';
import type { Layout } from './layout.ts';
import { Request } from './request.ts';

/** Bytes of tags that are kept in memory, but for what is in use. */
const MOST_BYTES = 32 * 2 ** 20;

/** A run of tags. */
interface Page {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Requests that use it. */
  users: number;
  /** Who waits until it is read; null: it is there. */
  waiters: Request[] | null;
  failed: boolean;
  dirty: boolean;
  /** It is being written. */
  writing: Promise<void> | null;
}

/**
 * The tags in memory, in pages. They are written when they are flushed, or where there are too many. Kernel: dm-bufio.
 */
export class TagPages {
  readonly #layout: Layout;
  readonly #port: Port;
  readonly #most: number;
  /** The one that was used last is the last one. */
  readonly #pages = new Map<number, Page>();
  #lastUsed: Page | null = null;

  constructor(layout: Layout, port: Port, mostBytes: number = MOST_BYTES) {
    this.#layout = layout;
    this.#port = port;
    this.#most = Math.max(1, Math.floor(mostBytes / layout.pageBytes));
  }

  /** Holds the pages of a request's tags; its `waiting` grows by those that are not there. */
  hold(request: Request): void {
    const [first, last] = this.#span(request);
    for (let number = first; number <= last; number++) {
      const page = this.#use(number);
      page.users++;
      if (page.waiters !== null) {
        page.waiters.push(request);
        request.waiting++;
      } else if (page.failed) {
        request.status = Status.Io;
      }
    }
  }

  /** Copies the tags of a request that holds its pages: into them if it writes. */
  transfer(request: Request): void {
    const { pageBytes } = this.#layout;
    let { integrityOffset: at, tagOffset } = request;
    for (let left = request.tagBytes; left > 0;) {
      const number = Math.floor(tagOffset / pageBytes);
      const inPage = tagOffset - number * pageBytes;
      const count = Math.min(left, pageBytes - inPage);
      const page = this.#pages.get(number)!;
      if (request.writing) {
        copyBytes(request.integrity, at, page.bytes, inPage, count);
        page.dirty = true;
      } else {
        copyBytes(page.bytes, inPage, request.integrity, at, count);
      }
      at += count;
      tagOffset += count;
      left -= count;
    }
  }

  release(request: Request): void {
    const [first, last] = this.#span(request);
    for (let number = first; number <= last; number++) {
      const page = this.#pages.get(number)!;
      page.users--;
      // The next one tries again.
      if (page.failed && page.users === 0) this.#forget(page);
    }
    if (this.#pages.size > this.#most) this.#trim();
  }

  /** Puts tags at a place without a bio. EIO where they cannot be. */
  async put(tagOffset: number, tags: Uint8Array): Promise<void> {
    let go: () => void = nothing;
    const request = new Request(-1, () => go());
    request.writing = true;
    request.integrity = tags;
    request.tagOffset = tagOffset;
    request.tagBytes = tags.length;
    this.hold(request);
    if (request.waiting > 0) await new Promise<void>((resolve) => (go = resolve));
    if (request.status === Status.Ok) this.transfer(request);
    this.release(request);
    if (request.status !== Status.Ok) throw fail('EIO', 'tags could not be read');
  }

  /** Writes what was changed until now. EIO and the like: some of it is still to be written. */
  async flush(): Promise<void> {
    const writes: Promise<void>[] = [];
    for (const page of this.#pages.values())
      if (page.dirty || page.writing !== null) writes.push(this.#write(page));
    const results = await Promise.allSettled(writes);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  get isDirty(): boolean {
    return [...this.#pages.values()].some(({ dirty }) => dirty);
  }

  /** Forgets everything; all must have been flushed. */
  clear(): void {
    this.#pages.clear();
    this.#lastUsed = null;
  }

  #span({ tagOffset, tagBytes }: Request): readonly [first: number, last: number] {
    const { pageBytes } = this.#layout;
    return [Math.floor(tagOffset / pageBytes), Math.floor((tagOffset + tagBytes - 1) / pageBytes)];
  }

  #use(number: number): Page {
    if (this.#lastUsed?.number === number) return this.#lastUsed;
    const known = this.#pages.get(number);
    if (known !== undefined) this.#pages.delete(number);
    const page = known ?? this.#load(number);
    this.#pages.set(number, page);
    this.#lastUsed = page;
    return page;
  }

  #load(number: number): Page {
    const { pageSectors, pageBytes } = this.#layout;
    const page: Page = {
      number,
      bytes: new Uint8Array(pageBytes),
      users: 0,
      waiters: [],
      failed: false,
      dirty: false,
      writing: null,
    };
    this.#port.read(this.#layout.pageSector(number), pageSectors, page.bytes).then(
      () => this.#loaded(page),
      () => {
        page.failed = true;
        this.#loaded(page);
      },
    );
    return page;
  }

  #loaded(page: Page): void {
    const waiters = page.waiters!;
    page.waiters = null;
    for (const request of waiters) {
      if (page.failed) request.status = Status.Io;
      if (--request.waiting === 0) request.onTags(request);
    }
  }

  /** What is changed meanwhile is written once more. */
  async #write(page: Page): Promise<void> {
    if (page.writing !== null) await page.writing.catch(() => undefined);
    // Somebody else who waited may have done it.
    if (page.writing !== null) return page.writing;
    if (!page.dirty) return;
    page.dirty = false;
    page.writing = this.#port.write(this.#layout.pageSector(page.number), page.bytes);
    try {
      await page.writing;
    } catch (error) {
      page.dirty = true;
      throw error;
    } finally {
      page.writing = null;
    }
  }

  /** The oldest go; what was changed is written first, and goes the next time. */
  #trim(): void {
    let over = this.#pages.size - this.#most;
    for (const page of this.#pages.values()) {
      if (over <= 0) return;
      if (page.users > 0 || page.writing !== null || page.waiters !== null) continue;
      over--;
      if (page.dirty) this.#write(page).catch(() => undefined);
      else this.#forget(page);
    }
  }

  #forget(page: Page): void {
    this.#pages.delete(page.number);
    if (this.#lastUsed === page) this.#lastUsed = null;
  }
}

function nothing(): void {
  // Nobody waits.
}
