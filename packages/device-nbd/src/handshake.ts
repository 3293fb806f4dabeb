import { type ErrorCode, fail } from '@interposer/core';
import {
  type BlockSizes,
  decodeExportInfo,
  decodeExportNameReply,
  decodeGreeting,
  decodeOptionReplyHeader,
  encodeClientFlags,
  encodeInfoRequest,
  encodeOption,
  encodeText,
  EXPORT_NAME_PADDING_BYTES,
  EXPORT_NAME_REPLY_BYTES,
  GREETING_BYTES,
  HandshakeFlag,
  hasMagic,
  InfoType,
  NBD_MAGIC,
  NbdOption,
  OLDSTYLE_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OptionReply,
} from '@interposer/nbd-protocol';
import type { ByteReader } from './byte-reader.ts';

/** Replies to options are short; a longer one is no reply of an honest server. */
const LARGEST_REPLY = 64 * 1024;

/** The two ends of the connection during the handshake. */
export interface HandshakePeer {
  readonly reader: ByteReader;
  readonly send: (bytes: Buffer) => void;
}

/** What the server told about its export. */
export interface RemoteExport {
  /** In bytes. */
  readonly size: number;
  /** Transmission flags. */
  readonly flags: number;
  /** Absent: the server did not say. */
  readonly blockSizes?: BlockSizes;
}

interface Reply {
  readonly type: number;
  readonly data: Buffer;
}

const ERRORS: Readonly<Partial<Record<number, ErrorCode>>> = {
  [OptionReply.ErrPolicy]: 'EACCES',
  [OptionReply.ErrTlsRequired]: 'EACCES',
  [OptionReply.ErrUnknown]: 'ENOENT',
  [OptionReply.ErrShutdown]: 'ESHUTDOWN',
  [OptionReply.ErrUnsupported]: 'ENOTSUP',
  [OptionReply.ErrPlatform]: 'ENOTSUP',
};

/** Chooses an export. Rejects with a coded error; EIO stands for a server that does not speak the protocol. */
export async function shakeHands(peer: HandshakePeer, exportName: string): Promise<RemoteExport> {
  const offered = await readGreeting(peer.reader);
  const noZeroes = (offered & HandshakeFlag.NoZeroes) !== 0;
  const fixed = (offered & HandshakeFlag.FixedNewstyle) !== 0;
  peer.send(encodeClientFlags(offered & (HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes)));
  const chosen = fixed ? await go(peer, exportName) : null;
  return chosen ?? openByName(peer, exportName, noZeroes);
}

async function readGreeting(reader: ByteReader): Promise<number> {
  const greeting = await reader.read(GREETING_BYTES);
  const flags = decodeGreeting(greeting);
  if (flags !== null) return flags;
  const old = hasMagic(greeting, 0, NBD_MAGIC) && hasMagic(greeting, 8, OLDSTYLE_MAGIC);
  throw old
    ? fail('ENOTSUP', 'the server speaks the oldstyle protocol only')
    : fail('EIO', 'what answers there is no NBD server');
}

/** The export by GO; null: the server does not know GO. */
async function go({ reader, send }: HandshakePeer, exportName: string): Promise<RemoteExport | null> {
  send(encodeOption(NbdOption.Go, encodeInfoRequest({ name: exportName, types: [InfoType.BlockSize] })));
  let size: number | undefined;
  let flags = 0;
  let blockSizes: BlockSizes | undefined;
  for (;;) {
    const { type, data } = await readReply(reader, NbdOption.Go);
    if (type === OptionReply.ErrUnsupported) return null;
    if (type === OptionReply.Ack) break;
    if (type !== OptionReply.Info) throw refusal(type, data, exportName);
    const info = decodeExportInfo(data);
    if (info === null) throw fail('EIO', 'the server sent malformed information about its export');
    if (info.type === 'export') ({ size, flags } = info);
    if (info.type === 'block-size') blockSizes = info;
  }
  if (size === undefined) throw fail('EIO', 'the server did not tell the size of its export');
  return { size, flags, ...(blockSizes === undefined ? {} : { blockSizes }) };
}

/** By EXPORT_NAME, which has no error replies: a server that refuses closes. */
async function openByName(
  { reader, send }: HandshakePeer,
  exportName: string,
  noZeroes: boolean,
): Promise<RemoteExport> {
  send(encodeOption(NbdOption.ExportName, encodeText(exportName)));
  const reply = decodeExportNameReply(await reader.read(EXPORT_NAME_REPLY_BYTES));
  if (!noZeroes) await reader.read(EXPORT_NAME_PADDING_BYTES);
  return reply;
}

async function readReply(reader: ByteReader, option: number): Promise<Reply> {
  const header = decodeOptionReplyHeader(await reader.read(OPTION_REPLY_HEADER_BYTES));
  if (header?.option !== option || header.length > LARGEST_REPLY) {
    throw fail('EIO', 'the server broke the protocol in the handshake');
  }
  return { type: header.type, data: await reader.read(header.length) };
}

function refusal(type: number, data: Buffer, exportName: string): Error {
  const said = data.length === 0 ? `error ${type.toString(16)}` : data.toString('utf8');
  return fail(ERRORS[type] ?? 'EINVAL', `the server refuses export "${exportName}": ${said}`);
}
