/** Bytes in a sector. Positions and lengths on the data path are sectors of this size, whatever a device's block size. */
export const SECTOR_SIZE = 512;

/**
 * Bytes of sectors that the amount of integrity data is told for: the largest logical block there may be with such data, so
 * that it is a whole number whatever the block is.
 */
export const INTEGRITY_UNIT = 4096;

/** Contract number between core and its plugins. A type built for another number is refused at registration. */
export const API_VERSION = 1;

/** The deepest stack of devices a table may build; a deeper one is refused at load. */
export const MAX_DEPTH = 32;

/** The largest device: the kernel's bound in sectors, cut to what a JavaScript number holds exactly. */
export const MAX_SECTORS: number = Number.MAX_SAFE_INTEGER;

/** What a bio asks for. */
export const BioOp = { Read: 0, Write: 1, Flush: 2, Discard: 3, WriteZeroes: 4 } as const;
export type BioOp = (typeof BioOp)[keyof typeof BioOp];

/** How many operations there are: the length of tables indexed by operation. */
export const OP_COUNT = 5;

/** Names of the operations, by number, for messages and listings. */
export const OP_NAMES: readonly string[] = ['read', 'write', 'flush', 'discard', 'write-zeroes'];

/** A set of operations, one bit for each `BioOp`. */
export type OpSet = number;

/** The set that holds the given operations. */
export function opSet(...ops: readonly BioOp[]): OpSet {
  return ops.reduce<number>((set, op) => set | (1 << op), 0);
}

/** Whether a set holds an operation. */
export function hasOp(set: OpSet, op: BioOp): boolean {
  return ((set >> op) & 1) === 1;
}

/** Every operation there is in this API version. */
export const ALL_OPS: OpSet = (1 << OP_COUNT) - 1;

/** Modifiers of a bio, as bits of `bio.flags`. */
export const BioFlag = {
  /** Write only: complete when this bio's own data is on stable storage. */
  Fua: 1,
  /** Write only: first make everything acknowledged before it stable. Core turns it into a flush and a plain write. */
  Preflush: 2,
  /** Write zeroes only: the range must stay allocated. */
  NoUnmap: 4,
} as const;

/** The result of a bio: an errno number, or one of the negative states before there is a result. */
export const Status = {
  /** In no one's hands: in the pool, or not yet submitted. */
  Idle: -1,
  /** Submitted and not complete. */
  Pending: -2,
  /** Between a target and its mapped device only: map it again after the next table swap. */
  Requeue: -3,
  Ok: 0,
  Perm: 1,
  NoEnt: 2,
  Io: 5,
  NoMem: 12,
  NoDev: 19,
  Inval: 22,
  NoSpc: 28,
  NoData: 61,
  Ilseq: 84,
  NotSup: 95,
  Shutdown: 108,
  TimedOut: 110,
} as const;
export type Status = number;

/** What `Target.map` and `Driver.submit` answer; the kernel's DM_MAPIO values. */
export const MapResult = {
  /** The callee owns the bio and completes or submits it, now or later. */
  Submitted: 0,
  /** `bio.port` and `bio.sector` say where it goes; core sends it there. */
  Remapped: 1,
  /** Put it back: mapped again after a table swap inside a noflush suspend, an I/O error otherwise. */
  Requeue: 2,
  /** Complete it with an I/O error. */
  Kill: 4,
} as const;
export type MapResult = (typeof MapResult)[keyof typeof MapResult];

/** What `Filter.pre` answers. */
export const PreResult = {
  /** Not interested: on to the next lower filter. */
  Pass: 0,
  /** On to the next lower filter, and call `post` on the way up. */
  Watch: 1,
  /** The filter owns the bio: it completes it, or forwards it through its own port, exactly once. */
  Taken: 2,
  /** Core completes the bio with `bio.result`. */
  Complete: 3,
  /** `bio.port`, one of another device, and `bio.sector` say where it goes instead; core sends it there. */
  Redirect: 4,
} as const;
export type PreResult = (typeof PreResult)[keyof typeof PreResult];

/** What `Frame.endIo` answers. */
export const EndResult = {
  /** Go on upwards. */
  Done: 0,
  /** The frame took the bio back with `bio.reopen()`, and completes or forwards it later. */
  Incomplete: 1,
} as const;
export type EndResult = (typeof EndResult)[keyof typeof EndResult];
