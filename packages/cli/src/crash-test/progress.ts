import type { Progress } from '@interposer/crash-test';
import type { Sink } from '../io.ts';

/** Milliseconds between two pictures of the bar, and between two lines where there is no terminal. */
const BAR_PAUSE = 100;
const LINE_PAUSE = 10_000;

const BAR_WIDTH = 16;

/** Of a terminal that does not tell. */
const COLUMNS = 80;

/** Begins the line again, without what was on it. */
const CLEAR = '\r\u001b[K';

/** Shows on standard error how far a search is: a bar on a terminal, else now and then a line. */
export class ProgressDisplay {
  readonly #stderr: Sink;
  readonly #isTerminal: boolean;
  readonly #start: number = performance.now();
  #shown: number = this.#start;
  #isOpen = false;

  constructor(stderr: Sink) {
    this.#stderr = stderr;
    this.#isTerminal = stderr.isTTY === true;
  }

  readonly update = (progress: Progress): void => {
    const now = performance.now();
    if (now - this.#shown < (this.#isTerminal ? BAR_PAUSE : LINE_PAUSE)) return;
    this.#shown = now;
    const text = progressText(progress, (now - this.#start) / 1000);
    this.#stderr.write(this.#isTerminal ? `${CLEAR}${this.#cut(`${barOf(progress)} ${text}`)}` : `${text}\n`);
    this.#isOpen = this.#isTerminal;
  };

  /** Takes the bar away. */
  end(): void {
    if (this.#isOpen) this.#stderr.write(CLEAR);
    this.#isOpen = false;
  }

  /** A line that the terminal would break could not be taken back. */
  #cut(line: string): string {
    return line.slice(0, (this.#stderr.columns ?? COLUMNS) - 1);
  }
}

/** E.g. `epoch 3/12, 120/1000 states, 45/s, 31 % pruned, 1 failure`. */
export function progressText(progress: Progress, seconds: number): string {
  const { done, total, explored, pruned, failures, epoch, epochs } = progress;
  // Of those that were made: what a failing epoch leaves out is done, too.
  const share = explored === 0 ? 0 : Math.round((100 * pruned) / explored);
  const rate = seconds === 0 ? 0 : Math.round(explored / seconds);
  return [
    `epoch ${String(epoch + 1)}/${String(epochs)}`,
    `${String(done)}/${String(total)} states`,
    `${String(rate)}/s`,
    `${String(share)} % pruned`,
    `${String(failures)} ${failures === 1 ? 'failure' : 'failures'}`,
  ].join(', ');
}

function barOf({ done, total }: Progress): string {
  const full = total === 0 ? 0 : Math.round((BAR_WIDTH * done) / total);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`;
}
