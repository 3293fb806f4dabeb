import type { Progress } from '@interposer/crash-test';
import type { Sink } from '../io.ts';
import { barOf, TerminalLine } from '../terminal-line.ts';

/** Milliseconds between two pictures of the bar, and between two lines where there is no terminal. */
const BAR_PAUSE = 100;
const LINE_PAUSE = 10_000;

/** Shows on standard error how far a search is: a bar on a terminal, else now and then a line. */
export class ProgressDisplay {
  readonly #stderr: Sink;
  readonly #isTerminal: boolean;
  readonly #start: number = performance.now();
  readonly #line: TerminalLine;
  #shown: number = this.#start;

  constructor(stderr: Sink) {
    this.#stderr = stderr;
    this.#line = new TerminalLine(stderr);
    this.#isTerminal = stderr.isTTY === true;
  }

  readonly update = (progress: Progress): void => {
    const now = performance.now();
    if (now - this.#shown < (this.#isTerminal ? BAR_PAUSE : LINE_PAUSE)) return;
    this.#shown = now;
    const text = progressText(progress, (now - this.#start) / 1000);
    if (this.#isTerminal) this.#line.show(`${barOf(progress)} ${text}`);
    else this.#stderr.write(`${text}\n`);
  };

  /** Takes the bar away. */
  end(): void {
    this.#line.clear();
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
