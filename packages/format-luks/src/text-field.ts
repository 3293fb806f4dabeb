import { fail } from '@interposer/core';

/** What moves the cursor of a terminal, or turns text around. */
const CONTROL = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Text of a header as it may be shown: who made the header does not get at the terminal. */
export function printable(text: string): string {
  return text.replace(CONTROL, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Text of a fixed field of a header. EINVAL unless it is printable ASCII that a NUL ends. */
export function readText(header: Buffer, offset: number, length: number, name: string): string {
  const field = header.subarray(offset, offset + length);
  const end = field.indexOf(0);
  if (end < 0) throw fail('EINVAL', `the ${name} in the header is not ended by a NUL`);
  const text = field.toString('latin1', 0, end);
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  throw fail('EINVAL', `the ${name} in the header is no text: ${printable(JSON.stringify(text))}`);
}

/** Writes text into a field of zeroes. EINVAL if it is too long for the field with its NUL, or no printable ASCII. */
export function writeText(header: Buffer, offset: number, length: number, name: string, text: string): void {
  if (!/^[\x20-\x7e]*$/.test(text))
    throw fail('EINVAL', `the ${name} ${JSON.stringify(text)} is no printable ASCII`);
  if (text.length >= length) {
    throw fail(
      'EINVAL',
      `the ${name} ${JSON.stringify(text)} is longer than ${String(length - 1)} characters`,
    );
  }
  header.write(text, offset, 'latin1');
}

/** What a cipher in a crypt table can consist of. Nothing that could end the word or the line goes from a header to a table. */
const CIPHER = /^[\w(),:.+-]+$/;

/** EINVAL if a text of a header cannot be a cipher of a crypt table. */
export function checkCipherText(text: string, where: string): void {
  if (!CIPHER.test(text))
    throw fail('EINVAL', printable(`${where}: ${JSON.stringify(text)} is no cipher specification`));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A UUID in lower case. EINVAL if it is none. */
export function checkUuid(text: string): string {
  const lower = text.toLowerCase();
  if (!UUID.test(lower)) throw fail('EINVAL', `${JSON.stringify(text)} is no UUID`);
  return lower;
}
