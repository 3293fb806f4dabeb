import { fail, isInterposerError } from './errors.ts';
import type { Param } from './params.ts';

/** A key has at least eight bytes, each two digits; a shorter word may be anything, and stand in a message for itself. */
const SHORTEST = 16;
/** What is a key wherever it stands: a user who left out the word before it is not to find it in a message. */
const LOOKS_LIKE_KEY = /^[\da-f]{32,}$/i;

/** Arguments with a zero for each character of a key. A reference to the key ring, `:SIZE:TYPE:NAME`, tells nothing of it. */
export function hideSecrets(params: readonly Param[], words: readonly string[]): string[] {
  const at = secretAt(params);
  return words.map((word, index) => (index === at && !word.startsWith(':') ? zeroes(word) : word));
}

/** Does what may quote the words of a user; no error of it quotes a key. */
export async function quotingNoSecret<T>(
  params: readonly Param[],
  words: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (secretAt(params) < 0 || !isInterposerError(error)) throw error;
    const message = secretsOf(params, words).reduce(
      (text, secret) => text.replaceAll(secret, zeroes(secret)),
      error.message,
    );
    // Not as the cause of another error, which whoever logs it shows.
    throw message === error.message ? error : fail(error.code, message);
  }
}

function secretsOf(params: readonly Param[], words: readonly string[]): string[] {
  const at = secretAt(params);
  return words.filter(
    (word, index) =>
      LOOKS_LIKE_KEY.test(word) || (index === at && word.length >= SHORTEST && !word.startsWith(':')),
  );
}

/** Which word it is: all parameters before it are one word each. -1 where there is none. */
function secretAt(params: readonly Param[]): number {
  return params.findIndex((param) => param.kind === 'word' && param.secret === true);
}

function zeroes(word: string): string {
  return '0'.repeat(word.length);
}
