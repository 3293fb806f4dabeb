import { type ErrorCode, fail, type InterposerError } from '@interposer/core';
import {
  decodeOptionReplyHeader,
  decodeText,
  encodeOption,
  OPTION_REPLY_HEADER_BYTES,
  OptionReply,
} from '@interposer/nbd-protocol';
import type { ByteReader } from './byte-reader.ts';

/** Replies to options are short; a longer one is no reply of an honest server. */
const LARGEST_REPLY = 64 * 1024;

/** Nor does an honest server answer one option with more replies than this. */
const MOST_REPLIES = 1024;

/** From here on reply types are errors. */
const FIRST_ERROR = 2 ** 31;

const LONGEST_WORDS = 256;

/** The two ends of the connection during the handshake. */
export interface HandshakePeer {
  readonly reader: ByteReader;
  send(bytes: Buffer): void;
}

/** The answer to an option. */
export interface OptionAnswer {
  /** The last reply: `OptionReply.Ack`, or an error. */
  readonly type: number;
  /** What an error says. */
  readonly words: string;
  /** The replies before the last. */
  readonly replies: readonly OptionReplyMessage[];
}

/** One reply to an option. */
export interface OptionReplyMessage {
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

/** What an error means, for servers that give it no words. */
const MEANINGS: Readonly<Partial<Record<number, string>>> = {
  [OptionReply.ErrPolicy]: 'its policy forbids that',
  [OptionReply.ErrTlsRequired]: 'it takes clients with TLS only',
  [OptionReply.ErrUnknown]: 'there is no such export',
  [OptionReply.ErrShutdown]: 'it is shutting down',
  [OptionReply.ErrUnsupported]: 'it does not know that',
  [OptionReply.ErrPlatform]: 'its platform cannot do that',
};

/** Sends an option and waits for its last reply. Rejects with EIO for a server that does not keep to the protocol. */
export async function exchange(peer: HandshakePeer, option: number, data?: Buffer): Promise<OptionAnswer> {
  peer.send(encodeOption(option, data));
  const replies: OptionReplyMessage[] = [];
  while (replies.length < MOST_REPLIES) {
    const reply = await readReply(peer.reader, option);
    const isError = reply.type >= FIRST_ERROR;
    if (isError || reply.type === OptionReply.Ack) {
      return { type: reply.type, words: isError ? wordsOf(reply.data) : '', replies };
    }
    replies.push(reply);
  }
  throw brokenProtocol();
}

/** Whether the server agrees to an option that may be refused. Rejects where nothing at all goes on. */
export async function ask(peer: HandshakePeer, option: number): Promise<boolean> {
  const answer = await exchange(peer, option);
  if (answer.type === OptionReply.ErrTlsRequired || answer.type === OptionReply.ErrShutdown) {
    throw refusal(answer, 'the connection');
  }
  return answer.type === OptionReply.Ack;
}

/** The error that a refusal of the server is. */
export function refusal({ type, words }: OptionAnswer, what: string): InterposerError {
  const said = words === '' ? (MEANINGS[type] ?? `error 0x${type.toString(16)}`) : words;
  const advice = type === OptionReply.ErrTlsRequired ? ' (it wants TLS: nbds://)' : '';
  return fail(ERRORS[type] ?? 'EINVAL', `the server refuses ${what}: ${said}${advice}`);
}

/** What the server says, fit for a log: one line that is not too long. */
export function wordsOf(data: Buffer): string {
  const text = decodeText(data) ?? '';
  return text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, LONGEST_WORDS);
}

/** A server that is not to be believed. */
export function brokenProtocol(): InterposerError {
  return fail('EIO', 'the server broke the protocol in the handshake');
}

async function readReply(reader: ByteReader, option: number): Promise<OptionReplyMessage> {
  const header = decodeOptionReplyHeader(await reader.read(OPTION_REPLY_HEADER_BYTES));
  if (header?.option !== option || header.length > LARGEST_REPLY) throw brokenProtocol();
  return { type: header.type, data: await reader.read(header.length) };
}
