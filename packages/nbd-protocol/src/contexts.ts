import { decodeText, encodeCountedText, encodeText } from './text.ts';

/** Data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export interface ContextRequest {
  /** The export. */
  readonly name: string;
  /** Names of contexts or wildcards such as `base:`. */
  readonly queries: readonly string[];
}

/** One context in the answer to them. */
export interface ContextReply {
  /** What BLOCK_STATUS calls it; 0 in the answer to LIST. */
  readonly id: number;
  readonly name: string;
}

/** Bytes of the lengths before a name and a query, and of the count of queries. */
const LENGTH_BYTES = 4;

/** Data of a LIST_META_CONTEXT or SET_META_CONTEXT option. */
export function encodeContextRequest({ name, queries }: ContextRequest): Buffer {
  const count = Buffer.allocUnsafe(LENGTH_BYTES);
  count.writeUInt32BE(queries.length, 0);
  return Buffer.concat([encodeCountedText(name), count, ...queries.map(encodeCountedText)]);
}

/** Data of such an option; null if its parts do not add up, or a part is no text of the protocol. */
export function decodeContextRequest(data: Buffer): ContextRequest | null {
  const name = takeText(data, 0);
  if (name === null || name.end + LENGTH_BYTES > data.length) return null;
  const count = data.readUInt32BE(name.end);
  const queries: string[] = [];
  let at = name.end + LENGTH_BYTES;
  while (at < data.length) {
    const query = takeText(data, at);
    if (query === null) return null;
    queries.push(query.text);
    at = query.end;
  }
  return queries.length === count ? { name: name.text, queries } : null;
}

function takeText(data: Buffer, at: number): { text: string; end: number } | null {
  const start = at + LENGTH_BYTES;
  if (start > data.length) return null;
  const end = start + data.readUInt32BE(at);
  const text = end > data.length ? null : decodeText(data.subarray(start, end));
  return text === null ? null : { text, end };
}

/** Payload of a META_CONTEXT reply. */
export function encodeContextReply({ id, name }: ContextReply): Buffer {
  const number = Buffer.allocUnsafe(LENGTH_BYTES);
  number.writeUInt32BE(id, 0);
  return Buffer.concat([number, encodeText(name)]);
}

/** Payload of a META_CONTEXT reply; null if it is malformed. */
export function decodeContextReply(data: Buffer): ContextReply | null {
  if (data.length < LENGTH_BYTES) return null;
  const name = decodeText(data.subarray(LENGTH_BYTES));
  return name === null ? null : { id: data.readUInt32BE(0), name };
}
