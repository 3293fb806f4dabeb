import type { Sink } from './io.ts';

const BAR_WIDTH = 16;

/** Of a terminal that does not tell. */
const COLUMNS = 80;

/** Begins the line again, without what was on it. */
const CLEAR = '\r\u001b[K';

/** A line on a terminal that is written over again and again. */
export class TerminalLine {
  readonly #sink: Sink;
  #isOpen = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** A line that the terminal would break could not be taken back: it is cut. */
  show(text: string): void {
    this.#sink.write(`${CLEAR}${text.slice(0, (this.#sink.columns ?? COLUMNS) - 1)}`);
    this.#isOpen = true;
  }

  /** Takes it away. */
  clear(): void {
    if (this.#isOpen) this.#sink.write(CLEAR);
    this.#isOpen = false;
  }
}

/** How much is done, as a bar. */
export function barOf({ done, total }: { readonly done: number; readonly total: number }): string {
  const full = total === 0 ? 0 : Math.round((BAR_WIDTH * done) / total);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`;
}
