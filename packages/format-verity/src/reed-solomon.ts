import { divide, EXP, LOG, multiply, power } from './galois.ts';

/** Bytes of a whole code word. */
export const WORD = 255;

/**
 * The code RS(255, 255 - roots): a word is 255 - roots bytes of message and then the parity. First root 1, and each root twice
 * the one before. Words are worked on side by side: what is given is column by column, a byte of each word.
 */
export class ReedSolomon {
  readonly roots: number;
  /** Bytes of message in a word. */
  readonly message: number;
  /** For each byte that leaves the shift register, what it adds to each place of it. */
  readonly #feedback: Uint8Array;
  /** For each root, each byte times it. */
  readonly #timesRoot: Uint8Array;

  constructor(roots: number) {
    this.roots = roots;
    this.message = WORD - roots;
    const generator = generatorOf(roots);
    this.#feedback = new Uint8Array(256 * roots);
    this.#timesRoot = new Uint8Array(256 * roots);
    for (let byte = 0; byte < 256; byte++) {
      for (let k = 0; k < roots; k++) {
        this.#feedback[byte * roots + k] = multiply(byte, generator[k]!);
        this.#timesRoot[k * 256 + byte] = multiply(byte, power(k));
      }
    }
  }

  /** Takes the next message column into the parities, `roots` bytes for each word, zeroes before the first column. */
  encodeColumn(column: Uint8Array, parities: Uint8Array): void {
    const { roots } = this;
    const feedback = this.#feedback;
    for (let word = 0, at = 0; word < column.length; word++, at += roots) {
      const from = (column[word]! ^ parities[at]!) * roots;
      for (let k = 0; k < roots - 1; k++) parities[at + k] = parities[at + k + 1]! ^ feedback[from + k]!;
      parities[at + roots - 1] = feedback[from + roots - 1]!;
    }
  }

  /** Takes the next column, of message or parity, into the syndromes, `roots` bytes for each word; null: a column of zeroes. */
  syndromeColumn(column: Uint8Array | null, syndromes: Uint8Array): void {
    const { roots } = this;
    const timesRoot = this.#timesRoot;
    const words = syndromes.length / roots;
    for (let word = 0, at = 0; word < words; word++, at += roots) {
      const byte = column === null ? 0 : column[word]!;
      for (let k = 0; k < roots; k++) syndromes[at + k] = timesRoot[k * 256 + syndromes[at + k]!]! ^ byte;
    }
  }

  /**
   * The same as `correct`, if the places that are wrong are among the given ones: fast, for a word whose neighbour had these.
   * Null where they are not, or could be others as well.
   */
  correctAt(
    syndromes: Uint8Array,
    at: number,
    places: readonly number[],
    erasures: readonly number[],
  ): Correction[] | null {
    const syndrome = syndromes.subarray(at, at + this.roots);
    if (syndrome.every((byte) => byte === 0)) return [];
    const all = joined(places, erasures);
    if (all.length === 0 || 2 * all.length - erasures.length > this.roots) return null;
    const corrections = valuesOf(syndrome, erasureLocator(all, this.roots), all.length, all);
    return explains(corrections, syndrome) ? corrections : null;
  }

  /**
   * What is wrong in the word whose syndromes begin at a byte: places and what to add there. `erasures` are places that are
   * known to be bad. Null where there is more than can be put right: 2 * errors + erasures > roots.
   */
  correct(syndromes: Uint8Array, at: number, erasures: readonly number[]): Correction[] | null {
    const syndrome = syndromes.subarray(at, at + this.roots);
    if (syndrome.every((byte) => byte === 0)) return [];
    if (erasures.length > this.roots) return null;
    const locator = locatorOf(syndrome, erasures);
    const degree = locator.findLastIndex((byte) => byte !== 0);
    const places = rootsOf(locator, degree);
    if (degree === 0 || places.length !== degree) return null;
    const corrections = valuesOf(syndrome, locator, degree, places);
    return explains(corrections, syndrome) ? corrections : null;
  }
}

/** Union of two lists of places; the second stays in front. */
function joined(places: readonly number[], erasures: readonly number[]): readonly number[] {
  return [...erasures, ...places.filter((place) => !erasures.includes(place))];
}

/** A byte of a word that is wrong, and what to add to it. */
export interface Correction {
  readonly place: number;
  readonly value: number;
}

/** Coefficients of the generator polynomial, the highest power first, without the leading one. */
function generatorOf(roots: number): Uint8Array {
  const generator = new Uint8Array(roots + 1);
  generator[0] = 1;
  for (let root = 0; root < roots; root++) {
    for (let k = root + 1; k > 0; k--) generator[k]! ^= multiply(generator[k - 1]!, power(root));
  }
  return generator.subarray(1);
}

/** The logarithm of the number a place stands for: the power of x that its byte is the coefficient of. */
function exponentOf(place: number): number {
  return WORD - 1 - place;
}

/** The polynomial whose roots are the inverses of what some places stand for. */
function erasureLocator(places: readonly number[], roots: number): Uint8Array {
  const locator = new Uint8Array(roots + 1);
  locator[0] = 1;
  for (const [count, place] of places.entries()) {
    for (let k = count + 1; k > 0; k--) locator[k]! ^= multiply(locator[k - 1]!, power(exponentOf(place)));
  }
  return locator;
}

/** Berlekamp and Massey, with the erasures known from the start. */
function locatorOf(syndrome: Uint8Array, erasures: readonly number[]): Uint8Array {
  const roots = syndrome.length;
  let locator = erasureLocator(erasures, roots);
  let helper = Uint8Array.from(locator);
  let errors = erasures.length;
  for (let step = erasures.length + 1; step <= roots; step++) {
    let discrepancy = 0;
    for (let k = 0; k < step; k++) discrepancy ^= multiply(locator[k]!, syndrome[step - k - 1]!);
    const shifted = new Uint8Array(roots + 1);
    shifted.set(helper.subarray(0, roots), 1);
    if (discrepancy === 0) {
      helper = shifted;
      continue;
    }
    const next = locator.map((byte, k) => byte ^ multiply(discrepancy, shifted[k]!));
    if (2 * errors <= step + erasures.length - 1) {
      errors = step + erasures.length - errors;
      helper = locator.map((byte) => divide(byte, discrepancy));
    } else {
      helper = shifted;
    }
    locator = next;
  }
  return locator;
}

/** The places whose numbers' inverses are roots of the locator. Chien. */
function rootsOf(locator: Uint8Array, degree: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < WORD && places.length < degree; place++) {
    let sum = 0;
    for (let k = 0; k <= degree; k++) sum ^= multiply(locator[k]!, power(-exponentOf(place) * k));
    if (sum === 0) places.push(place);
  }
  return places;
}

/** Forney. */
function valuesOf(
  syndrome: Uint8Array,
  locator: Uint8Array,
  degree: number,
  places: readonly number[],
): Correction[] {
  const evaluator = new Uint8Array(degree);
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j <= i; j++) evaluator[i]! ^= multiply(syndrome[i - j]!, locator[j]!);
  }
  return places.flatMap((place) => {
    const exponent = exponentOf(place);
    let above = 0;
    for (let i = 0; i < degree; i++) above ^= multiply(evaluator[i]!, power(-exponent * i));
    let below = 0;
    for (let i = 1; i <= degree; i += 2) below ^= multiply(locator[i]!, power(-exponent * (i - 1)));
    if (above === 0) return [];
    return [{ place, value: below === 0 ? 0 : EXP[(LOG[divide(above, below)]! + exponent) % WORD]! }];
  });
}

/** Whether the corrections have the same syndromes as the word, so that with them it has none. */
function explains(corrections: readonly Correction[], syndrome: Uint8Array): boolean {
  return syndrome.every((byte, k) => {
    let sum = byte;
    for (const { place, value } of corrections) sum ^= multiply(value, power(exponentOf(place) * k));
    return sum === 0;
  });
}
