import { type Bio, SECTOR_SIZE, Status } from '@interposer/core';

const NO_DATA = new Uint8Array(0);

/** A read or write with its integrity data, on its way. Used again and again. */
export class Request {
  /** Its place among all there are. */
  readonly index: number;
  /** Called when it waits for nothing more, after it waited for tags. */
  readonly onTags: (request: Request) => void;
  bio: Bio | null = null;
  writing = false;
  /** From this sector of the target to the one behind the last. */
  begin = 0;
  end = 0;
  /** Where its tags lie, in bytes from the first page. */
  tagOffset = 0;
  tagBytes = 0;
  /** What the bio came with: below it has none. */
  integrity: Uint8Array = NO_DATA;
  integrityOffset = 0;
  integrityRate = 0;
  flags = 0;
  /** What it still waits for: its data, and each page of tags that is not there yet. */
  waiting = 0;
  status: Status = Status.Ok;
  /** Of a read beside a journal: what it began with. */
  stamp = 0;
  /** Whether it has its range. */
  started = false;
  /** Those that came later. */
  next: Request | null = null;
  previous: Request | null = null;

  constructor(index: number, onTags: (request: Request) => void) {
    this.index = index;
    this.onTags = onTags;
  }

  get bytes(): number {
    return (this.end - this.begin) * SECTOR_SIZE;
  }

  /** The bio is given back what it came with. */
  restore(bio: Bio): void {
    bio.integrity = this.integrity;
    bio.integrityOffset = this.integrityOffset;
    bio.integrityRate = this.integrityRate;
    bio.flags = this.flags;
  }
}

/** Requests, so that after a while none is made for a bio. */
export class Requests {
  readonly #all: Request[] = [];
  readonly #free: Request[] = [];
  readonly #onTags: (request: Request) => void;

  constructor(onTags: (request: Request) => void) {
    this.#onTags = onTags;
  }

  /** For a bio that has integrity data, of which its lower ones get none. */
  get(bio: Bio, writing: boolean): Request {
    const request = this.#free.pop() ?? this.#make();
    request.bio = bio;
    request.writing = writing;
    request.begin = bio.sector;
    request.end = bio.sector + bio.count;
    request.integrity = bio.integrity;
    request.integrityOffset = bio.integrityOffset;
    request.integrityRate = bio.integrityRate;
    request.flags = bio.flags;
    request.status = Status.Ok;
    request.started = false;
    return request;
  }

  at(index: number): Request {
    return this.#all[index]!;
  }

  put(request: Request): void {
    request.bio = null;
    request.integrity = NO_DATA;
    this.#free.push(request);
  }

  #make(): Request {
    const request = new Request(this.#all.length, this.#onTags);
    this.#all.push(request);
    return request;
  }
}
