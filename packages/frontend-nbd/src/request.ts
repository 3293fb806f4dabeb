import type { Bio } from '@interposer/core';
import { NbdError } from '@interposer/nbd-protocol';
import type { Arena } from './arena.ts';
import type { Slab } from './slab.ts';

/** Whoever is told that a bio of a request has ended. */
export interface RequestOwner {
  ended(request: Request, bio: Bio): void;
}

/**
 * A request from its header to the moment its reply is sent. Pooled by its connection. Its reply has a place in an arena
 * from the start: the header, and behind it the data of a small read, so that replies which are ready in order lie one
 * behind the other and need no copy.
 */
export class Request {
  readonly owner: RequestOwner;
  command = 0;
  flags = 0;
  /** In bytes, as on the wire. */
  offset = 0;
  length = 0;
  /** Bytes of data that follow the header on the wire. */
  incoming = 0;
  /** What the reply will say. */
  error: NbdError = NbdError.None;
  /** What went wrong while it was performed; null: it was refused before, or all is well. */
  reason: string | null = null;
  /** Bytes that it counts for in the bound of its connection, beside its buffers. */
  cost = 0;
  /** Where the reply's header lies. */
  arena: Arena | null = null;
  slot = 0;
  /** Bytes of the header in the arena, which for chunks includes what their payload begins with. */
  headBytes = 0;
  /** Bytes of data that follow the header in the arena. */
  inlineBytes = 0;
  /** The whole reply, where it is made anew at the end: errors in chunks, sparse reads, block status. */
  answer: Buffer[] | null = null;
  /** Data of a write, or of a read that is too large or too crooked for the arena. */
  payload: Buffer | null = null;
  /** What the payload is a part of, if it is not the request's own. */
  slab: Slab | null = null;
  /** Where in the payload the data begin. */
  payloadStart = 0;
  /** How many bytes of its data have come. */
  received = 0;
  /** Changes the medium, and went to the device without a lock: an unaligned write waits for it. */
  writing = false;
  sector = 0;
  count = 0;
  /** Not made of the device's whole blocks. */
  crooked = false;

  constructor(owner: RequestOwner) {
    this.owner = owner;
  }

  /** Ready for the next use; its buffers were given back before. */
  reset(): void {
    this.error = NbdError.None;
    this.reason = null;
    this.arena = null;
    this.payload = null;
    this.answer = null;
    this.inlineBytes = 0;
    this.payloadStart = 0;
    this.received = 0;
  }
}

/** The `end` of every bio of a request. */
export function endOfBio(bio: Bio): void {
  const request = bio.tag as Request;
  request.owner.ended(request, bio);
}
