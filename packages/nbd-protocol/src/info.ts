import { InfoType } from './constants.ts';
import { readU64, writeU64 } from './integers.ts';
import { decodeText, encodeCountedText, encodeText } from './text.ts';

/** Data of INFO and GO. */
export interface InfoRequest {
  readonly name: string;
  /** Types of information that are asked for. */
  readonly types: readonly number[];
}

/** What an export can be asked to be used with; bytes. */
export interface BlockSizes {
  readonly minimum: number;
  readonly preferred: number;
  readonly maximum: number;
}

/** One piece of information about an export. */
export type ExportInfo =
  | { readonly type: 'export'; readonly size: number; readonly flags: number }
  | { readonly type: 'name' | 'description'; readonly text: string }
  | ({ readonly type: 'block-size' } & BlockSizes)
  /** One that is not known here. */
  | { readonly type: 'other'; readonly number: number };

/** Data of an INFO or GO option. */
export function encodeInfoRequest({ name, types }: InfoRequest): Buffer {
  const list = Buffer.allocUnsafe(2 + 2 * types.length);
  list.writeUInt16BE(types.length, 0);
  types.forEach((type, index) => list.writeUInt16BE(type, 2 + 2 * index));
  return Buffer.concat([encodeCountedText(name), list]);
}

/** Data of an INFO or GO option; null if its parts do not add up, or the name is no text of the protocol. */
export function decodeInfoRequest(data: Buffer): InfoRequest | null {
  if (data.length < 6) return null;
  const nameLength = data.readUInt32BE(0);
  if (nameLength > data.length - 6) return null;
  const name = decodeText(data.subarray(4, 4 + nameLength));
  const count = data.readUInt16BE(4 + nameLength);
  const start = 6 + nameLength;
  if (name === null || data.length - start !== 2 * count) return null;
  return { name, types: Array.from({ length: count }, (_, index) => data.readUInt16BE(start + 2 * index)) };
}

/** Payload of an INFO reply. */
export function encodeExportInfo(info: Exclude<ExportInfo, { type: 'other' }>): Buffer {
  if (info.type === 'export') {
    const data = Buffer.allocUnsafe(12);
    data.writeUInt16BE(InfoType.Export, 0);
    writeU64(data, 2, info.size);
    data.writeUInt16BE(info.flags, 10);
    return data;
  }
  if (info.type === 'block-size') {
    const data = Buffer.allocUnsafe(14);
    data.writeUInt16BE(InfoType.BlockSize, 0);
    data.writeUInt32BE(info.minimum, 2);
    data.writeUInt32BE(info.preferred, 6);
    data.writeUInt32BE(info.maximum, 10);
    return data;
  }
  const number = Buffer.allocUnsafe(2);
  number.writeUInt16BE(info.type === 'name' ? InfoType.Name : InfoType.Description, 0);
  return Buffer.concat([number, encodeText(info.text)]);
}

/** Payload of an INFO reply; null if it is malformed. */
export function decodeExportInfo(data: Buffer): ExportInfo | null {
  if (data.length < 2) return null;
  const number = data.readUInt16BE(0);
  if (number === InfoType.Export) {
    return data.length === 12
      ? { type: 'export', size: readU64(data, 2), flags: data.readUInt16BE(10) }
      : null;
  }
  if (number === InfoType.BlockSize) return decodeBlockSizes(data);
  if (number !== InfoType.Name && number !== InfoType.Description) return { type: 'other', number };
  const text = decodeText(data.subarray(2));
  return text === null ? null : { type: number === InfoType.Name ? 'name' : 'description', text };
}

function decodeBlockSizes(data: Buffer): ExportInfo | null {
  if (data.length !== 14) return null;
  const [minimum, preferred, maximum] = [data.readUInt32BE(2), data.readUInt32BE(6), data.readUInt32BE(10)];
  if (!isPowerOfTwo(minimum) || !isPowerOfTwo(preferred)) return null;
  if (minimum > 65536 || preferred < minimum || maximum < preferred) return null;
  return { type: 'block-size', minimum, preferred, maximum };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** Payload of a SERVER reply: one export in the answer to LIST. */
export function encodeServerReply(name: string, description = ''): Buffer {
  return Buffer.concat([encodeCountedText(name), encodeText(description)]);
}

/** Payload of a SERVER reply; null if it is malformed. */
export function decodeServerReply(data: Buffer): { name: string; description: string } | null {
  if (data.length < 4) return null;
  const nameLength = data.readUInt32BE(0);
  if (nameLength > data.length - 4) return null;
  const name = decodeText(data.subarray(4, 4 + nameLength));
  const description = decodeText(data.subarray(4 + nameLength));
  return name === null || description === null ? null : { name, description };
}
