/*
 * Numbers of the NBD protocol, as in doc/proto.md of the NetworkBlockDevice project. All integers on the wire are
 * big-endian; 64-bit magic numbers are given as their two halves.
 */

/** The TCP port of NBD. */
export const NBD_PORT = 10809;

/** `NBDMAGIC`, the first eight bytes a server sends. */
export const NBD_MAGIC: readonly [high: number, low: number] = [0x4e42444d, 0x41474943];

/** `IHAVEOPT`: the next eight bytes of a newstyle server, and the start of each option of a client. */
export const OPTION_MAGIC: readonly [high: number, low: number] = [0x49484156, 0x454f5054];

/** Sent by an oldstyle server in place of `OPTION_MAGIC`. */
export const OLDSTYLE_MAGIC: readonly [high: number, low: number] = [0x00004202, 0x81861253];

/** The start of each reply to an option. */
export const OPTION_REPLY_MAGIC: readonly [high: number, low: number] = [0x0003e889, 0x045565a9];

/** The start of each request in transmission. */
export const REQUEST_MAGIC = 0x25609513;

/** The start of each simple reply. */
export const SIMPLE_REPLY_MAGIC = 0x67446698;

/** The start of each structured reply chunk. */
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** The start of each request and of each reply chunk with extended headers. */
export const EXTENDED_REQUEST_MAGIC = 0x21e41c71;
export const EXTENDED_REPLY_MAGIC = 0x6e8a278c;

/** Lengths of the fixed parts in bytes. */
export const GREETING_BYTES = 18;
export const CLIENT_FLAGS_BYTES = 4;
export const OPTION_HEADER_BYTES = 16;
export const OPTION_REPLY_HEADER_BYTES = 20;
export const EXPORT_NAME_REPLY_BYTES = 10;
export const EXPORT_NAME_PADDING_BYTES = 124;
export const REQUEST_BYTES = 28;
export const SIMPLE_REPLY_BYTES = 16;
export const STRUCTURED_REPLY_BYTES = 20;
export const EXTENDED_REQUEST_BYTES = 32;
export const EXTENDED_REPLY_BYTES = 32;

/** Longest name or text in bytes of UTF-8. */
export const MAX_STRING_BYTES = 4096;

/** The largest payload that peers must bear without agreement. */
export const DEFAULT_MAX_PAYLOAD: number = 32 * 2 ** 20;

/** Flags of the greeting, and of the client's answer to it. */
export const HandshakeFlag = { FixedNewstyle: 1, NoZeroes: 2 } as const;

/** Options a client may send. */
export const NbdOption = {
  ExportName: 1,
  Abort: 2,
  List: 3,
  PeekExport: 4,
  StartTls: 5,
  Info: 6,
  Go: 7,
  StructuredReply: 8,
  ListMetaContext: 9,
  SetMetaContext: 10,
  ExtendedHeaders: 11,
} as const;

/** Kinds of reply to an option; errors have bit 31 set. */
export const OptionReply = {
  Ack: 1,
  Server: 2,
  Info: 3,
  MetaContext: 4,
  ErrUnsupported: 0x80000001,
  ErrPolicy: 0x80000002,
  ErrInvalid: 0x80000003,
  ErrPlatform: 0x80000004,
  ErrTlsRequired: 0x80000005,
  ErrUnknown: 0x80000006,
  ErrShutdown: 0x80000007,
  ErrBlockSizeRequired: 0x80000008,
  ErrTooBig: 0x80000009,
  ErrExtendedHeaderRequired: 0x8000000a,
} as const;

/** What a client asks for in INFO and GO, and what a server answers. */
export const InfoType = { Export: 0, Name: 1, Description: 2, BlockSize: 3 } as const;

/** Properties of an export. */
export const TransmissionFlag = {
  HasFlags: 0x01,
  ReadOnly: 0x02,
  SendFlush: 0x04,
  SendFua: 0x08,
  Rotational: 0x10,
  SendTrim: 0x20,
  SendWriteZeroes: 0x40,
  SendDf: 0x80,
  CanMultiConn: 0x100,
  SendResize: 0x200,
  SendCache: 0x400,
  SendFastZero: 0x800,
  BlockStatusPayload: 0x1000,
} as const;

/** Commands of the transmission phase. */
export const NbdCommand = {
  Read: 0,
  Write: 1,
  Disconnect: 2,
  Flush: 3,
  Trim: 4,
  Cache: 5,
  WriteZeroes: 6,
  BlockStatus: 7,
  Resize: 8,
} as const;

/** Flags of a request. */
export const CommandFlag = {
  Fua: 0x01,
  NoHole: 0x02,
  Df: 0x04,
  ReqOne: 0x08,
  FastZero: 0x10,
  PayloadLength: 0x20,
} as const;

/** Flags of a structured or extended reply chunk. */
export const ChunkFlag = { Done: 1 } as const;

/** Types of a structured or extended reply chunk; errors have bit 15 set. */
export const ChunkType = {
  None: 0,
  OffsetData: 1,
  OffsetHole: 2,
  BlockStatus: 5,
  BlockStatusExtended: 6,
  Error: 0x8001,
  ErrorOffset: 0x8002,
} as const;

/** The context of every server that can tell holes from data, and the flags of its extents. */
export const ALLOCATION_CONTEXT = 'base:allocation';
export const AllocationFlag = { Hole: 1, Zero: 2 } as const;

/** The most extents that one answer to BLOCK_STATUS may have. */
export const MAX_EXTENTS: number = 2 ** 20;

/** Error numbers of replies. */
export const NbdError = {
  None: 0,
  Perm: 1,
  Io: 5,
  NoMem: 12,
  Inval: 22,
  NoSpc: 28,
  Overflow: 75,
  NotSup: 95,
  Shutdown: 108,
} as const;
export type NbdError = (typeof NbdError)[keyof typeof NbdError];
