import {
  type BioOp,
  BioOp as Op,
  EndResult,
  INTEGRITY_UNIT,
  OP_NAMES,
  SECTOR_SIZE,
  Status,
} from './constants.ts';
import type { BlockDevice } from './block-device.ts';
import type { Port } from './port.ts';
import { containThrow, reportMisuse } from './containment.ts';

/** Called on the way up, with the bio's sector as it was when the frame was pushed. */
export interface Frame {
  /** Set on core's own frames: whose it is, for the report of a fault. */
  readonly device?: BlockDevice;
  /**
   * May change `bio.status`. To keep the bio (retry, decrypt elsewhere) call `bio.reopen()` and return
   * `EndResult.Incomplete`; then complete or forward it exactly once.
   */
  endIo(bio: Bio, cookie: number): EndResult;
}

/** Whoever has a bio in hand: named when it throws, and when a drain times out. */
export interface Holder {
  readonly device: BlockDevice;
  /** For messages, e.g. `filter delay@140000` or `target linear, row 0+8`. */
  readonly label: string;
}

/** A step of core that a queued bio takes next instead of entering the device of its port. */
export interface Stage {
  run(bio: Bio): number;
}

const NO_DATA = new Uint8Array(0);

const UNIT_SECTORS = INTEGRITY_UNIT / SECTOR_SIZE;

/** Above the rank of every device. A small integer, so that the field never holds a boxed number. */
const NO_RANK = 2 ** 20;

const FRAMES_AT_A_TIME = 16;

function noEnd(): void {
  // A bio in the pool has no submitter.
}

/**
 * One block request. Pooled, mutable, one hidden class: plugins must not add properties.
 * The data window of a read or write is `count * 512` bytes of `buffer` from `bufferOffset`; nothing on the path copies it
 * or makes a view of it.
 */
export class Bio {
  op: BioOp = Op.Read;
  /** Bits of `BioFlag`. */
  flags = 0;
  /** First sector, on the device of `port`. */
  sector = 0;
  /** Length in sectors; 0 for a flush. */
  count = 0;
  buffer: Uint8Array = NO_DATA;
  /** In bytes. */
  bufferOffset = 0;
  /** Integrity data of the sectors, from `integrityOffset` on, where `integrityRate` is not 0; otherwise it means nothing. */
  integrity: Uint8Array = NO_DATA;
  /** In bytes. */
  integrityOffset = 0;
  /**
   * Bytes of integrity data for each `INTEGRITY_UNIT` bytes of sectors; 0: it has none. A device takes it that keeps as many,
   * see `integrityRate`; any other refuses the bio.
   */
  integrityRate = 0;
  /** Read it in `end`, `endIo` and `post`; written through `complete`. */
  status: Status = Status.Idle;
  /** What core completes the bio with when a filter answers `PreResult.Complete`. */
  result: Status = Status.Ok;
  /** A number a filter's `pre` leaves for its `post`. */
  cookie = 0;
  /** Which copy this is of a bio that core sends to one target several times (the kernel's target_bio_nr). */
  copy = 0;
  /** Where it goes next; what a target's `map` writes. */
  port: Port | null = null;
  /** The device it was first sent to. */
  origin: BlockDevice | null = null;
  /** The submitter's completion; may run before `submit` returns. The bio is the submitter's again. */
  end: (bio: Bio) => void = noEnd;
  /** The submitter's own. */
  tag: unknown = null;

  /** Core's: queue link. */
  next: Bio | null = null;
  /** Core's: what to do when it leaves the queue, if not to enter its port. */
  stage: Stage | null = null;
  /** Core's: number of frames pushed. */
  depth = 0;
  /** Core's: the next step of the filter chain. */
  cursor = 0;
  /** Core's: rank of the device entered last. */
  rank: number = NO_RANK;
  /** Core's: frame index of the device entered last. */
  deviceDepth = 0;
  /** Core's: who has it. */
  holder: Holder | null = null;
  /** Core's: counts the times it went back to the pool, so that a late reference can be told. */
  generation = 0;
  /** Core's: the plugin that held it was fenced; it never goes back to the pool. */
  abandoned = false;
  /** Core's, while split: the bio this one is a piece of, and the parent's own bookkeeping. */
  parent: Bio | null = null;
  children = 0;
  cut = 0;
  nextCopy = 0;
  childStatus: Status = Status.Ok;

  readonly frames: (Frame | null)[] = [];
  readonly frameSectors: number[] = [];
  readonly frameCookies: number[] = [];

  constructor() {
    growFrames(this);
  }

  /** Asks for `frame.endIo` on the way up. The sector is restored for it; the cookie is the frame's own number. */
  watch(frame: Frame, cookie = 0): void {
    const depth = this.depth++;
    if (depth === this.frames.length) growFrames(this);
    this.frames[depth] = frame;
    this.frameSectors[depth] = this.sector;
    this.frameCookies[depth] = cookie;
  }

  /**
   * Core's: as `watch`, for a device that has no filters to see the bio and is not its first: its gate looks neither at the
   * sector nor at the cookie, so they are not stored.
   */
  passGate(gate: Frame): void {
    const depth = this.depth++;
    if (depth === this.frames.length) growFrames(this);
    this.frames[depth] = gate;
  }

  /** Ends the bio, exactly once; afterwards it is no longer the caller's. Frames unwind, then the submitter's `end` runs. */
  complete(status: Status): void {
    if (this.status !== Status.Pending) {
      reportMisuse(this, 'completed a bio that was complete already');
      return;
    }
    if (status === Status.Requeue && this.holder !== null && this.isInside(this.holder.device)) {
      // A target gives it back; a piece of a bio ends as others do, and its whole goes back.
      this.holder.device.path.requeue(this);
      return;
    }
    this.status = status;
    unwind(this);
  }

  /** Whether it entered a device and has not left it; a piece of a bio that did is not itself inside. */
  isInside(device: BlockDevice): boolean {
    return this.depth > 0 && this.frames.lastIndexOf(device.gate, this.depth - 1) >= 0;
  }

  /** In `endIo` or `post`: takes a completed bio back. It is pending again and the caller's. */
  reopen(): void {
    this.status = Status.Pending;
    // Whoever takes it back has it now: it is to be named in a drain, and its bios fail with it.
    const taker = this.frames[this.depth]!;
    if (taker.device !== undefined) this.holder = taker as Frame & Holder;
    // It came back up: the filters it met below in the device it is in now, it may meet again.
    for (let depth = this.depth - 1; depth >= 0; depth--) {
      const frame = this.frames[depth]!;
      if (frame.device?.gate !== frame) continue;
      this.frameCookies[depth] = 0;
      return;
    }
  }

  /** For messages: `read 8+8`. */
  toString(): string {
    return `${OP_NAMES[this.op] ?? String(this.op)} ${String(this.sector)}+${String(this.count)}`;
  }
}

/** Room for more frames, so that storing one never has to grow an array. Rare: each bio keeps its room. */
function growFrames(bio: Bio): void {
  for (let i = 0; i < FRAMES_AT_A_TIME; i++) {
    bio.frames.push(null);
    bio.frameSectors.push(0);
    bio.frameCookies.push(0);
  }
}

/** Runs the frames from the last to the first, then the submitter's end. Iterative: no depth of devices deepens the stack. */
function unwind(bio: Bio): void {
  const { generation } = bio;
  for (;;) {
    try {
      if (!runFrames(bio)) return;
      break;
    } catch (error) {
      containThrow(holderOfFrame(bio, bio.frames[bio.depth]!), error);
      // A frame that threw after it passed the bio on has no say in it any more.
      if (bio.generation !== generation || bio.status === Status.Pending) return;
      bio.status = Status.Io;
    }
  }
  if (bio.status !== Status.Ok && bio.op === Op.Read) forgetData(bio);
  finish(bio);
}

/** False when a frame kept the bio. */
function runFrames(bio: Bio): boolean {
  while (bio.depth > 0) {
    const depth = --bio.depth;
    bio.sector = bio.frameSectors[depth]!;
    if (bio.frames[depth]!.endIo(bio, bio.frameCookies[depth]!) === EndResult.Incomplete) return false;
  }
  return true;
}

/** Core's frames know their device; a target's frame lies above the frame of its mapped device, or in a piece of its bio. */
function holderOfFrame(bio: Bio, frame: Frame): Holder | null {
  if (frame.device !== undefined) return frame as Frame & Holder;
  for (let owner: Bio | null = bio; owner !== null; owner = owner.parent) {
    for (let depth = owner.depth - 1; depth >= 0; depth--) {
      const device = owner.frames[depth]?.device;
      if (device !== undefined) return { device, label: `a target of ${device.name}` };
    }
  }
  return bio.holder;
}

function finish(bio: Bio): void {
  const { holder } = bio;
  try {
    bio.end(bio);
  } catch (error) {
    containThrow(holder, error, 'submitter');
  }
}

/** A failed read shows nothing of what its buffer held before: neither old data nor a part of the new. */
function forgetData(bio: Bio): void {
  clear(bio.buffer, bio.bufferOffset, bio.count * SECTOR_SIZE);
  if (bio.integrityRate !== 0) clear(bio.integrity, bio.integrityOffset, integrityBytes(bio, bio.count));
}

/** Of a bio that was refused the window may be larger than its buffer, or no number. */
function clear(bytes: Uint8Array, offset: number, count: number): void {
  const end = Math.min(offset + count, bytes.length);
  if (end > offset) bytes.fill(0, offset, end);
}

/** Bytes of integrity data of so many sectors of a bio, whole blocks of the device. */
export function integrityBytes({ integrityRate }: Bio, sectors: number): number {
  return (sectors * integrityRate) / UNIT_SECTORS;
}

/** Back to the state of a fresh bio; the growing arrays stay, so that nothing is allocated for the next request. */
export function resetBio(bio: Bio): void {
  bio.op = Op.Read;
  bio.flags = 0;
  bio.sector = 0;
  bio.count = 0;
  bio.buffer = NO_DATA;
  bio.bufferOffset = 0;
  if (bio.integrityRate !== 0) forgetIntegrity(bio);
  bio.status = Status.Idle;
  bio.result = Status.Ok;
  bio.cookie = 0;
  bio.copy = 0;
  bio.port = null;
  bio.origin = null;
  bio.end = noEnd;
  bio.tag = null;
  bio.stage = null;
  bio.depth = 0;
  bio.rank = NO_RANK;
  bio.parent = null;
}

function forgetIntegrity(bio: Bio): void {
  bio.integrity = NO_DATA;
  bio.integrityOffset = 0;
  bio.integrityRate = 0;
}

/** Whether a bio of the pool is as `resetBio` left it, in all that a submitter need not set. */
export function isReset(bio: Bio): boolean {
  return (
    bio.status === Status.Idle &&
    bio.op === Op.Read &&
    bio.flags === 0 &&
    bio.sector === 0 &&
    bio.count === 0 &&
    bio.buffer === NO_DATA &&
    bio.bufferOffset === 0 &&
    bio.integrityRate === 0 &&
    bio.result === Status.Ok &&
    bio.cookie === 0 &&
    bio.copy === 0 &&
    bio.port === null &&
    bio.end === noEnd &&
    bio.depth === 0
  );
}
