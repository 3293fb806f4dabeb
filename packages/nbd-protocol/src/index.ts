/**
 * The NBD protocol as numbers and pure functions: no sockets, no state.
 *
 * @packageDocumentation
 */
export {
  type ChunkError,
  type ChunkHeader,
  decodeBlockStatus,
  decodeChunkError,
  decodeChunkHeader,
  encodeBlockStatus,
  encodeChunk,
  encodeChunkError,
  encodeExtendedBlockStatus,
  type StatusExtent,
} from './chunks.ts';
export {
  ALLOCATION_CONTEXT,
  AllocationFlag,
  ChunkFlag,
  ChunkType,
  CLIENT_FLAGS_BYTES,
  CommandFlag,
  DEFAULT_MAX_PAYLOAD,
  EXPORT_NAME_PADDING_BYTES,
  EXPORT_NAME_REPLY_BYTES,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REPLY_MAGIC,
  EXTENDED_REQUEST_BYTES,
  EXTENDED_REQUEST_MAGIC,
  GREETING_BYTES,
  HandshakeFlag,
  InfoType,
  MAX_EXTENTS,
  MAX_STRING_BYTES,
  NBD_MAGIC,
  NBD_PORT,
  NbdCommand,
  NbdError,
  NbdOption,
  OLDSTYLE_MAGIC,
  OPTION_HEADER_BYTES,
  OPTION_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
  OptionReply,
  REQUEST_BYTES,
  REQUEST_MAGIC,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_BYTES,
  STRUCTURED_REPLY_MAGIC,
  TransmissionFlag,
} from './constants.ts';
export {
  type ContextReply,
  type ContextRequest,
  decodeContextReply,
  decodeContextRequest,
  encodeContextReply,
  encodeContextRequest,
} from './contexts.ts';
export {
  decodeExportNameReply,
  decodeGreeting,
  decodeOptionHeader,
  decodeOptionReplyHeader,
  encodeClientFlags,
  encodeExportNameReply,
  encodeGreeting,
  encodeOption,
  encodeOptionReply,
} from './handshake.ts';
export {
  type BlockSizes,
  decodeExportInfo,
  decodeInfoRequest,
  decodeServerReply,
  encodeExportInfo,
  encodeInfoRequest,
  encodeServerReply,
  type ExportInfo,
  type InfoRequest,
} from './info.ts';
export { hasMagic, readU64, writeMagic, writeU64 } from './integers.ts';
export { decodeText, encodeCountedText, encodeText } from './text.ts';
export {
  ChunkField,
  ExtendedChunkField,
  RequestField,
  SimpleReplyField,
  writeExtendedRequest,
  writeRequest,
  writeSimpleReply,
} from './transmission.ts';
export { formatNbdUri, type NbdUri, NbdUriError, parseNbdUri } from './uri.ts';
