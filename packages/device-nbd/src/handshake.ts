import { fail } from '@interposer/core';
import {
  ALLOCATION_CONTEXT,
  type BlockSizes,
  decodeContextReply,
  decodeExportInfo,
  decodeExportNameReply,
  decodeGreeting,
  encodeClientFlags,
  encodeContextRequest,
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
  OptionReply,
} from '@interposer/nbd-protocol';
import type { ByteReader } from './byte-reader.ts';
import { ask, brokenProtocol, exchange, type HandshakePeer, refusal } from './option-exchange.ts';

/** How requests and replies are framed. */
export type Headers = 'simple' | 'structured' | 'extended';

/** What was agreed on a connection, and what the server told about its export. */
export interface RemoteExport {
  /** In bytes. */
  readonly size: number;
  /** Transmission flags. */
  readonly flags: number;
  /** Absent: the server did not say. */
  readonly blockSizes?: BlockSizes;
  readonly headers: Headers;
  /** What BLOCK_STATUS calls `base:allocation`; absent: it cannot be asked. */
  readonly allocation?: number;
}

/** What the server tells of the export when it is chosen. */
type ChosenExport = Pick<RemoteExport, 'size' | 'flags' | 'blockSizes'>;

/**
 * Chooses an export. With `secure`, which puts TLS into the connection, there is no other way than through TLS. Rejects with a
 * coded error; EIO stands for a server that does not speak the protocol.
 */
export async function shakeHands(
  peer: HandshakePeer,
  exportName: string,
  secure?: () => Promise<void>,
): Promise<RemoteExport> {
  const offered = await readGreeting(peer.reader);
  const noZeroes = (offered & HandshakeFlag.NoZeroes) !== 0;
  const fixed = (offered & HandshakeFlag.FixedNewstyle) !== 0;
  if (!fixed && secure !== undefined) {
    throw fail('ENOTSUP', 'the server is too old to speak TLS, and TLS is required');
  }
  peer.send(encodeClientFlags(offered & (HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes)));
  if (secure !== undefined) await startTls(peer, secure);
  const agreed = fixed ? await agree(peer, exportName) : ({ headers: 'simple' } as const);
  const chosen = fixed ? await go(peer, exportName) : null;
  // The other way has no place for extended headers.
  if (chosen === null && agreed.headers === 'extended') throw brokenProtocol();
  return { ...(chosen ?? (await openByName(peer, exportName, noZeroes))), ...agreed };
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

/** A server that refuses is left: what was asked to be secret is not sent in plain text. */
async function startTls(peer: HandshakePeer, secure: () => Promise<void>): Promise<void> {
  const answer = await exchange(peer, NbdOption.StartTls);
  if (answer.type !== OptionReply.Ack) {
    const { code, message } = refusal(answer, 'TLS, which is required');
    throw fail(code === 'EINVAL' ? 'ENOTSUP' : code, message);
  }
  await secure();
}

/** How the two sides will speak. The order of libnbd: each step is left out by servers that do not know it. */
async function agree(
  peer: HandshakePeer,
  exportName: string,
): Promise<Pick<RemoteExport, 'headers' | 'allocation'>> {
  let headers: Headers = 'simple';
  if (await ask(peer, NbdOption.ExtendedHeaders)) headers = 'extended';
  else if (await ask(peer, NbdOption.StructuredReply)) headers = 'structured';
  const allocation = headers === 'simple' ? undefined : await chooseContext(peer, exportName);
  return { headers, ...(allocation === undefined ? {} : { allocation }) };
}

async function chooseContext(peer: HandshakePeer, name: string): Promise<number | undefined> {
  const request = encodeContextRequest({ name, queries: [ALLOCATION_CONTEXT] });
  const { type, replies } = await exchange(peer, NbdOption.SetMetaContext, request);
  if (type !== OptionReply.Ack) return undefined;
  const contexts = replies
    .filter((reply) => reply.type === OptionReply.MetaContext)
    .map((reply) => decodeContextReply(reply.data));
  return contexts.find((context) => context?.name === ALLOCATION_CONTEXT)?.id;
}

/** The export by GO; null: the server does not know GO. What GO says holds, whatever INFO might have said. */
async function go(peer: HandshakePeer, name: string): Promise<ChosenExport | null> {
  const request = encodeInfoRequest({ name, types: [InfoType.BlockSize] });
  const answer = await exchange(peer, NbdOption.Go, request);
  if (answer.type === OptionReply.ErrUnsupported) return null;
  if (answer.type !== OptionReply.Ack) throw refusal(answer, `export "${name}"`);
  let size: number | undefined;
  let flags = 0;
  let blockSizes: BlockSizes | undefined;
  for (const { type, data } of answer.replies) {
    const info = type === OptionReply.Info ? decodeExportInfo(data) : null;
    if (info === null) throw fail('EIO', 'the server sent malformed information about its export');
    if (info.type === 'export') ({ size, flags } = info);
    if (info.type === 'block-size') blockSizes = info;
  }
  if (size === undefined) throw fail('EIO', 'the server did not tell the size of its export');
  return { size, flags, ...(blockSizes === undefined ? {} : { blockSizes }) };
}

/** By EXPORT_NAME, which has no error replies: a server that refuses closes. */
async function openByName(peer: HandshakePeer, exportName: string, noZeroes: boolean): Promise<ChosenExport> {
  peer.send(encodeOption(NbdOption.ExportName, encodeText(exportName)));
  const reply = decodeExportNameReply(await peer.reader.read(EXPORT_NAME_REPLY_BYTES));
  if (!noZeroes) await peer.reader.read(EXPORT_NAME_PADDING_BYTES);
  return reply;
}
