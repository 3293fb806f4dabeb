/** How a state is shown to the check. */
export type Presentation = 'image' | 'nbd' | 'device';

/** The ways to show a state. */
export const PRESENTATIONS: readonly Presentation[] = ['image', 'nbd', 'device'];

/** What a search is about: the same when it is resumed. Paths are absolute. */
export interface Subject {
  /** The disk before the first write. */
  readonly base: string;
  readonly log: string;
  /** The command, for `sh -c`. */
  readonly check: string;
  readonly present: Presentation;
  /** Where the user stood. */
  readonly cwd: string;
}

/** How far a search goes, each number as the library has it by default where it is absent. */
export interface Bounds {
  readonly states?: number;
  readonly perEpoch?: number;
  readonly exhaustive?: number;
  /** Bytes. */
  readonly unit?: number;
  readonly seed?: number;
  /** Seconds that a check may take. */
  readonly timeout?: number;
  readonly keepGoing?: boolean;
}

/** A search as its results folder remembers it. */
export interface Settings extends Subject, Bounds {}
