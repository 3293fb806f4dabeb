import type { Stack, StackItem } from '../stack.ts';
import type { StackControl } from '../stack-control.ts';

/** Takes away again what was made. */
export type Undo = () => Promise<void>;

/** What there is in place of an item. */
export interface Found {
  /** Both sides, where it is not as the file says. Secrets are left out. */
  readonly differs?: Difference;
  /** Absent where what is there is not the file's to take away. */
  readonly remove?: Undo;
}

/** An item as the file wants it and as it is, each in a few words. */
export interface Difference {
  readonly wanted: string;
  readonly running: string;
}

/** How items of a kind are looked for, made and called. */
export interface ItemKind<I extends StackItem> {
  /** For messages and listings, e.g. `filter throttle on disk.img`. */
  label(item: I): string;
  /** What is there now; undefined: nothing. Changes nothing and opens nothing. */
  find(control: StackControl, item: I, stack: Stack): Promise<Found | undefined>;
  make(control: StackControl, item: I): Promise<Undo>;
}
