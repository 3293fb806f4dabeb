import { fail } from '@interposer/core';

/** An element of DER: what stands in front of a value, and the value. ITU-T X.690. */
export interface Element {
  readonly tag: number;
  /** The value. */
  readonly content: Buffer;
  /** All of it, with tag and length. */
  readonly whole: Buffer;
}

/** Tags that a signature is made of. */
export const Tag = { Integer: 0x02, Octets: 0x04, Oid: 0x06, Sequence: 0x30, Set: 0x31, Zero: 0xa0 } as const;

/** Lengths with more bytes than that no signature has. */
const MOST_LENGTH_BYTES = 4;

/** The elements that stand one behind the other. EINVAL for what is no DER. */
export function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at);
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

/** What is inside an element, which must have a tag. */
export function insideOf(element: Element | undefined, tag: number): Element[] {
  if (element?.tag !== tag) throw malformed();
  return elementsOf(element.content);
}

function elementAt(bytes: Buffer, at: number): Element {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw malformed();
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  // Without a length of its own, that is 0x80, it is BER and not DER.
  if (first === 0x80 || lengthBytes > MOST_LENGTH_BYTES || start > bytes.length) throw malformed();
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  if (start + length > bytes.length) throw malformed();
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) };
}

/** An object identifier in hexadecimal, to be compared. */
export function oidOf(element: Element | undefined): string {
  if (element?.tag !== Tag.Oid) throw malformed();
  return element.content.toString('hex');
}

function malformed(): Error {
  return fail('EINVAL', 'the signature is no PKCS#7 in DER');
}
