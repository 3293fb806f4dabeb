import { asError, ERROR_CODES, type ErrorCode, fail, isInterposerError } from '@interposer/core';
import { BadParams } from './checks.ts';

// JSON-RPC 2.0 over a stream: one message a line.

/** Error numbers of JSON-RPC 2.0, and ours for what an engine refuses. */
export const RpcError = {
  Parse: -32_700,
  InvalidRequest: -32_600,
  MethodNotFound: -32_601,
  InvalidParams: -32_602,
  Internal: -32_603,
  Refused: -32_000,
} as const;

/** The longest line in bytes that either side takes: a full transfer in base64, with room to spare. */
export const MAX_MESSAGE: number = 4 * 2 ** 20;

/** A request number; null where the request could not be read. */
export type RpcId = string | number | null;

/** A request as it came in. `id` is undefined for a notification. */
export interface RpcRequest {
  readonly id: RpcId | undefined;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** A message that is no request, and what to answer. */
export class BadRequest extends Error {
  readonly code: number;
  readonly id: RpcId;

  constructor(code: number, id: RpcId, message: string) {
    super(message);
    this.code = code;
    this.id = id;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads a line as a request. Throws BadRequest with the answer to give. */
export function parseRequest(line: Uint8Array): RpcRequest {
  let message: unknown;
  try {
    message = JSON.parse(decoder.decode(line));
  } catch (error) {
    throw new BadRequest(RpcError.Parse, null, `not a JSON text: ${asError(error).message}`);
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new BadRequest(RpcError.InvalidRequest, null, 'a request is an object; there are no batches');
  }
  const { jsonrpc, id, method, params = [] } = message as Record<string, unknown>;
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') {
    throw new BadRequest(RpcError.InvalidRequest, null, 'id must be a string, a number or null');
  }
  const answerTo = id ?? null;
  if (jsonrpc !== '2.0') throw new BadRequest(RpcError.InvalidRequest, answerTo, 'jsonrpc must be "2.0"');
  if (typeof method !== 'string')
    throw new BadRequest(RpcError.InvalidRequest, answerTo, 'method must be a string');
  if (!Array.isArray(params))
    throw new BadRequest(RpcError.InvalidParams, answerTo, 'params must be an array');
  return { id, method, params };
}

/** The line that answers a request. */
export function resultLine(id: RpcId, result: unknown): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, result: result ?? null })}\n`;
}

/** The line that answers a request with an error. */
export function errorLine(id: RpcId, code: number, message: string, data?: object): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } })}\n`;
}

/** The line for an error that a method threw: the stable code goes along. */
export function failureLine(id: RpcId, error: unknown): string {
  if (isInterposerError(error)) return errorLine(id, RpcError.Refused, error.message, { code: error.code });
  if (error instanceof BadParams) return errorLine(id, RpcError.InvalidParams, error.message);
  return errorLine(id, RpcError.Internal, `internal error: ${asError(error).message}`);
}

/** What a client throws for an error answer: an error of the same code and message. */
export function errorFromAnswer(error: unknown): Error {
  const { message, data, code } = (error ?? {}) as {
    message?: unknown;
    code?: unknown;
    data?: { code?: unknown };
  };
  const text = typeof message === 'string' ? message : 'the daemon answered with an error without a message';
  const known = data?.code;
  if (typeof known === 'string' && Object.hasOwn(ERROR_CODES, known)) return fail(known as ErrorCode, text);
  return code === RpcError.InvalidParams ? fail('EINVAL', text) : new Error(text);
}
