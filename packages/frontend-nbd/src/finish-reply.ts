import { CommandFlag, NbdCommand, NbdError, SimpleReplyField } from '@interposer/nbd-protocol';
import { doneAnswer, errorAnswer, partsAnswer } from './chunk-answers.ts';
import type { Dialect } from './dialect.ts';
import type { Export } from './export.ts';
import { writeU32 } from './integers.ts';
import { failureText, refusalText } from './refusal-text.ts';
import { replyWithHole } from './reply-place.ts';
import type { Request } from './request.ts';
import { isZero, LARGEST_WHOLE, partsOf, SMALLEST_HOLE } from './zeroes.ts';

/**
 * Makes the reply that was laid out for a request one of an error, of holes, or of nothing, where it must be. Answers whether
 * the reply sends data of the request's payload.
 */
export function finishReply(request: Request, dialect: Dialect, exported: Export): boolean {
  const { error, command, length } = request;
  if (error !== NbdError.None) {
    finishWithError(request, dialect, exported);
    return false;
  }
  if (command !== NbdCommand.Read) return false;
  if (!dialect.chunked) return true;
  if (length === 0) request.answer = doneAnswer(request, dialect);
  return length < SMALLEST_HOLE || leaveOutHoles(request, dialect);
}

function finishWithError(request: Request, dialect: Dialect, exported: Export): void {
  if (!dialect.chunked) {
    writeU32(request.arena!.buffer, request.slot + SimpleReplyField.Error, request.error);
    return;
  }
  const { reason, offset, length } = request;
  const text = reason === null ? refusalText(request, exported) : failureText(request, reason);
  // Of a range that goes beyond the end the first byte that is not there can be told.
  const { size } = exported;
  const located = reason === null && offset <= size && length > size - offset;
  request.answer = errorAnswer(request, dialect, text, located ? size : undefined);
}

/** Zeroes need not be sent. Devices need not know where they have holes for it. Answers whether there are data left. */
function leaveOutHoles(request: Request, dialect: Dialect): boolean {
  const { payload, length } = request;
  const buffer = payload ?? request.arena!.buffer;
  const start = payload === null ? request.slot + request.headBytes : request.payloadStart;
  const parts = length <= LARGEST_WHOLE ? null : partsOf(buffer, start, length);
  const hole = length <= LARGEST_WHOLE ? isZero(buffer, start, length) : parts?.length === 1;
  if (hole) replyWithHole(request, dialect);
  // A client that wants no fragments gets data and holes alike as data.
  else if (parts !== null && (request.flags & CommandFlag.Df) === 0) {
    request.answer = partsAnswer(request, dialect, parts, buffer, start);
  }
  return !hole;
}
