import { EXTENDED_REQUEST_MAGIC, REQUEST_MAGIC } from '@interposer/nbd-protocol';
import { commandFlagNames, commandName } from './names.ts';

/** The form of replies, and with `extended` of requests too. */
export type Mode = 'simple' | 'structured' | 'extended';

/** A request to be sent. */
export interface Command {
  /** One of `NbdCommand`, or any other number. */
  readonly type: number;
  readonly flags?: number;
  readonly offset?: number | bigint;
  readonly length?: number | bigint;
  readonly cookie?: bigint;
  /** Sent after the header. The length is that of the data unless it is given. */
  readonly data?: Buffer;
}

/** A request that was sent. */
export interface Sent extends Required<Omit<Command, 'data'>> {
  readonly offset: bigint;
  readonly length: bigint;
}

/** The bytes of a request. */
export function encodeRequest(sent: Sent, mode: Mode, data: Buffer = Buffer.alloc(0)): Buffer {
  const extended = mode === 'extended';
  const header = Buffer.alloc(extended ? 32 : 28);
  header.writeUInt32BE(extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC, 0);
  header.writeUInt16BE(sent.flags, 4);
  header.writeUInt16BE(sent.type, 6);
  header.writeBigUInt64BE(sent.cookie, 8);
  header.writeBigUInt64BE(sent.offset, 16);
  if (extended) header.writeBigUInt64BE(sent.length, 24);
  else header.writeUInt32BE(Number(sent.length), 24);
  return Buffer.concat([header, data]);
}

/** A request in words. */
export function describeRequest({ type, flags, offset, length, cookie }: Sent): string {
  return `${commandName(type)} ${cookieText(cookie)}, ${commandFlagNames(flags)}, ${String(length)} bytes at ${String(offset)}`;
}

/** A cookie in hexadecimal digits. */
export function cookieText(cookie: bigint): string {
  return `cookie ${cookie.toString(16)}`;
}
