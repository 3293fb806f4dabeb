/** A target or filter with its arguments. */
export interface Typed {
  readonly type: string;
  readonly words: readonly string[];
}

/** Zeros in place of a key, alone or behind `key=`. */
const HIDDEN = /^(?:[^=]*=)?0{16,}$/;

/**
 * What a file wants in place of what is running, for a message. The arguments are told only where the running ones are of
 * the same type and hide nothing: a file may hold keys, and only the type knows which word is one.
 */
export function wantedText(wanted: Typed, running: Typed | undefined): string {
  if (wanted.words.length === 0) return wanted.type;
  const open = running?.type === wanted.type && !running.words.some((word) => HIDDEN.test(word));
  const words = open ? wanted.words : [`(${String(wanted.words.length)} arguments)`];
  return [wanted.type, ...words].join(' ');
}
