/*
 * Arithmetic of bytes as a field: GF(2^8) with the polynomial x^8+x^4+x^3+x^2+1 (0x11d), whose element 2 generates all others.
 */
const POLYNOMIAL = 0x11d;
const ORDER = 255;

/** Powers of the generator, twice over, so that the sum of two logarithms needs no remainder. */
export const EXP: Uint8Array = new Uint8Array(2 * ORDER);
/** The logarithm of each element but 0. */
export const LOG: Uint8Array = new Uint8Array(ORDER + 1);

for (let power = 0, value = 1; power < ORDER; power++) {
  EXP[power] = value;
  EXP[power + ORDER] = value;
  LOG[value] = power;
  value <<= 1;
  if (value > ORDER) value ^= POLYNOMIAL;
}

/** Product. */
export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!;
}

/** Quotient; the divisor is not 0. */
export function divide(a: number, b: number): number {
  return a === 0 ? 0 : EXP[LOG[a]! + ORDER - LOG[b]!]!;
}

/** The generator to a power, which may be negative. */
export function power(exponent: number): number {
  return EXP[((exponent % ORDER) + ORDER) % ORDER]!;
}
