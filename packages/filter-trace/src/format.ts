/** The first bytes of every trace file. */
export const MAGIC: Uint8Array = new TextEncoder().encode('IPTRACE\n');

/** Version of the format that this package writes and reads. */
export const VERSION = 1;

/** Bytes of a record. */
export const RECORD_SIZE = 48;

/** Bytes of the header in front of the device's name. */
export const FIXED_HEADER_SIZE = 40;

/** What a record is about: its first byte. */
export const RecordKind = { Bio: 1, Dropped: 2 } as const;

/** Byte offsets in the header. All numbers are unsigned and little-endian; `docs/filters/trace.md` has the same as a table. */
export const HeaderField = {
  /** 8 bytes. */
  magic: 0,
  /** 16 bits. */
  version: 8,
  /** 16 bits: bytes of the header with the name, a multiple of 8. The first record is there. */
  headerSize: 10,
  /** 16 bits. */
  recordSize: 12,
  /** 16 bits: bytes of the name. */
  nameLength: 14,
  /** 64 bits: milliseconds since 1970 UTC at which the trace began; times of records count from there. */
  started: 16,
  /** 64 bits: size of the device. */
  sectors: 24,
  /** 32 bits: one bio in so many is recorded. */
  sample: 32,
  /** UTF-8, with zeroes up to the end of the header. */
  name: 40,
} as const;

/** Byte offsets in a record. */
export const RecordField = {
  /** 8 bits, a `RecordKind`. */
  kind: 0,
  /** 8 bits, a `BioOp`. */
  op: 1,
  /** 16 bits of `BioFlag`. */
  flags: 2,
  /** 16 bits: errno, 0 for success. */
  status: 4,
  /** 16 bits: bios inside the device when this one came, itself included; 65535 for more. */
  depth: 6,
  /** 64 bits: which bio it was since the trace began, from 1, those that were not recorded included. */
  number: 8,
  /** 64 bits: nanoseconds from the start of the trace to the bio's arrival. */
  time: 16,
  /** 64 bits: nanoseconds from there to its completion. */
  duration: 24,
  /** 64 bits. */
  sector: 32,
  /** 64 bits: sectors; in a `Dropped` record how many bios it stands for. */
  count: 40,
} as const;

/** The longest name that is written; a path of Linux is no longer. */
const LONGEST_NAME = 4096;

const WORD = 2 ** 32;

/** What a trace says of itself. */
export interface TraceHeader {
  readonly version: number;
  /** Bytes in front of the first record. */
  readonly headerSize: number;
  /** Bytes of a record: at least those of version 1. */
  readonly recordSize: number;
  /** Name of the device when the trace began. */
  readonly device: string;
  /** Size of the device in sectors. */
  readonly sectors: number;
  /** Milliseconds since 1970 UTC. */
  readonly started: number;
  /** One bio in so many is recorded. */
  readonly sample: number;
}

/** The header of a new trace as bytes. */
export function encodeHeader({
  device,
  sectors,
  started,
  sample,
}: Pick<TraceHeader, 'device' | 'sectors' | 'started' | 'sample'>): Uint8Array {
  const name = new TextEncoder().encode(device).subarray(0, LONGEST_NAME);
  const size = Math.ceil((FIXED_HEADER_SIZE + name.length) / 8) * 8;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC, HeaderField.magic);
  view.setUint16(HeaderField.version, VERSION, true);
  view.setUint16(HeaderField.headerSize, size, true);
  view.setUint16(HeaderField.recordSize, RECORD_SIZE, true);
  view.setUint16(HeaderField.nameLength, name.length, true);
  setUint64(view, HeaderField.started, started);
  setUint64(view, HeaderField.sectors, sectors);
  view.setUint32(HeaderField.sample, sample, true);
  bytes.set(name, HeaderField.name);
  return bytes;
}

/** Whether bytes begin as a trace does. */
export function hasMagic(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Writes a whole number from 0 to 2^53-1 without a BigInt. */
export function setUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / WORD), true);
}

/** Reads what `setUint64` wrote; above 2^53 the nearest number. */
export function getUint64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * WORD + view.getUint32(offset, true);
}
