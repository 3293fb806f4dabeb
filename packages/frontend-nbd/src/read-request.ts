import {
  CommandFlag,
  EXTENDED_REQUEST_MAGIC,
  NbdCommand,
  REQUEST_MAGIC,
  RequestField,
} from '@interposer/nbd-protocol';
import type { Dialect } from './dialect.ts';
import { readU16, readU32, readU64 } from './integers.ts';
import type { Request } from './request.ts';

/** Whether a header begins as one of the dialect must. */
export function hasRequestMagic(buffer: Buffer, at: number, { extended }: Dialect): boolean {
  return readU32(buffer, at + RequestField.Magic) === (extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC);
}

/** The command of a header. */
export function readCommand(buffer: Buffer, at: number): number {
  return readU16(buffer, at + RequestField.Type);
}

/**
 * Takes a request from its header. With extended headers the length is that of data which follow if the flag for it is set,
 * and else that of the range. False for a write that does not say that data follow: where the next request begins could
 * only be guessed.
 */
export function readRequest(request: Request, buffer: Buffer, at: number, { extended }: Dialect): boolean {
  const command = readCommand(buffer, at);
  const flags = readU16(buffer, at + RequestField.Flags);
  const length = extended
    ? readU64(buffer, at + RequestField.Length)
    : readU32(buffer, at + RequestField.Length);
  const writing = command === NbdCommand.Write;
  const carries = extended ? (flags & CommandFlag.PayloadLength) !== 0 : writing;
  request.command = command;
  // What a write with extended headers must have is not a matter of checks any more.
  request.flags = writing && extended ? flags & ~CommandFlag.PayloadLength : flags;
  request.offset = readU64(buffer, at + RequestField.Offset);
  request.length = length;
  request.incoming = carries ? length : 0;
  return carries || !writing;
}
