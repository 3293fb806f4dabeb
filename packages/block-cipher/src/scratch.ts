/** Bytes that the modes work on at a time: they and their masks stay in the caches of a processor core. */
export const SCRATCH_SIZE = 65536;

/** Memory for whoever is at work: everything that uses it is done before it returns. */
export interface Scratch {
  /** The data as words, so that it lies aligned wherever the caller's bytes lie. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** What is xored on the data, word for word. */
  readonly masks: Int32Array;
  readonly maskBytes: Uint8Array;
}

let shared: Scratch | undefined;

/** The scratch of this thread. */
export function scratch(): Scratch {
  return (shared ??= makeScratch());
}

/** Overwrites what the last key left behind. */
export function wipeScratch(): void {
  shared?.words.fill(0);
  shared?.masks.fill(0);
}

function makeScratch(): Scratch {
  const words = new Int32Array(SCRATCH_SIZE / 4);
  const masks = new Int32Array(SCRATCH_SIZE / 4);
  return { words, bytes: new Uint8Array(words.buffer), masks, maskBytes: new Uint8Array(masks.buffer) };
}

/** Xors the first `count` words of `masks` on those of `words`. */
export function xorWords(words: Int32Array, masks: Int32Array, count: number): void {
  for (let at = 0; at < count; at++) words[at]! ^= masks[at]!;
}

/** The bytes of a word in the other order. */
export function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
