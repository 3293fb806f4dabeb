import { MAX_STRING_BYTES } from './constants.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A name or text of the protocol: UTF-8 without NUL, of at most 4096 bytes; null for anything else. */
export function decodeText(bytes: Uint8Array): string | null {
  if (bytes.length > MAX_STRING_BYTES || bytes.includes(0)) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** The bytes of a name or text. RangeError for one that the protocol cannot carry. */
export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > MAX_STRING_BYTES || bytes.includes(0)) {
    throw new RangeError(`a name or text has at most ${MAX_STRING_BYTES} bytes, and none of them is zero`);
  }
  return bytes;
}

/** A 32-bit length and the text. */
export function encodeCountedText(text: string): Buffer {
  const bytes = encodeText(text);
  const counted = Buffer.allocUnsafe(4 + bytes.length);
  counted.writeUInt32BE(bytes.length, 0);
  bytes.copy(counted, 4);
  return counted;
}
