const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
/** Which word of the block a step takes: times the factor plus the start, for each of the four rounds. */
const FACTORS = [1, 5, 3, 7];
const STARTS = [0, 1, 5, 0];
const STEPS = 64;

const CONSTANTS: Int32Array = Int32Array.from({ length: STEPS }, (_, step) =>
  Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32),
);

/** Bytes that MD5 takes at a time. */
export const MD5_BLOCK = 64;

/** Begins an MD5 state of four words. */
export function startMd5(state: Int32Array): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
}

/**
 * Takes the 16 words from `at` on into an MD5 state. Source: RFC 1321. Here because lmk wants the state itself, without the padding
 * that every finished digest has, and node:crypto does not give it.
 */
export function md5Block(state: Int32Array, words: Int32Array, at: number): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  for (let step = 0; step < STEPS; step++) {
    const round = step >> 4;
    const mixed =
      round === 0 ? (b & c) | (~b & d) : round === 1 ? (b & d) | (c & ~d) : lateRound(round, b, c, d);
    const word = words[at + ((step * FACTORS[round]! + STARTS[round]!) & 15)]!;
    const sum = (((a + mixed) | 0) + ((CONSTANTS[step]! + word) | 0)) | 0;
    const shift = SHIFTS[(round << 2) | (step & 3)]!;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
}

function lateRound(round: number, b: number, c: number, d: number): number {
  return round === 2 ? b ^ c ^ d : c ^ (b | ~d);
}
