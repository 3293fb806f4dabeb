import { fail, type Progress, SECTOR_SIZE } from '@interposer/core';
import type { Command } from './verb.ts';
import { barOf, TerminalLine } from './terminal-line.ts';

/** A line is written each time so many percent are done, where there is no terminal. */
const STEP = 10;

const MEBIBYTE = 2 ** 20;

/**
 * Shows how far a device is with what it does: a bar on a terminal, else a line now and then, on standard error; with
 * `--json` an object for each change, on a line of standard output.
 */
export class ActivityDisplay {
  readonly #command: Command;
  readonly #device: string;
  readonly #line: TerminalLine;
  #shown = '';

  constructor(command: Command, device: string) {
    this.#command = command;
    this.#device = device;
    this.#line = new TerminalLine(command.around.stderr);
  }

  update({ activity, done, total, failure }: Progress): void {
    const { around, options } = this.#command;
    const text = activityText({ activity, done, total });
    if (options.has('json')) {
      const line = JSON.stringify({ device: this.#device, activity, done, total, failure });
      if (this.#changed(line)) this.#command.print(`${line}\n`);
    } else if (around.stderr.isTTY === true) this.#line.show(`${barOf({ done, total })} ${text}`);
    else if (this.#changed(`${activity} ${String(Math.floor(percentOf(done, total) / STEP))}`))
      around.stderr.write(`${this.#device}: ${text}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    this.#line.clear();
  }

  #changed(state: string): boolean {
    const changed = state !== this.#shown;
    this.#shown = state;
    return changed;
  }
}

/** E.g. `merge 25 %, 12.0 of 48.0 MiB`. */
export function activityText({ activity, done, total }: Progress): string {
  const [part, whole] = [done, total].map((sectors) => ((sectors * SECTOR_SIZE) / MEBIBYTE).toFixed(1));
  return `${activity} ${String(percentOf(done, total))} %, ${part!} of ${whole!} MiB`;
}

/** Rounded down: 100 only at the end. */
function percentOf(done: number, total: number): number {
  return total === 0 ? 100 : Math.floor((100 * done) / total);
}

/** Milliseconds between two looks. */
const INTERVAL = 200;

/**
 * Shows what a device does until that is over: as soon as nothing is read of it, or all is done. EIO with the reason where it
 * does not go on.
 */
export async function followActivity(
  command: Command,
  device: string,
  read: () => Promise<Progress | undefined>,
): Promise<void> {
  const display = new ActivityDisplay(command, device);
  try {
    for (;;) {
      const progress = await read();
      if (progress === undefined) return;
      display.update(progress);
      const { activity, done, total, failure } = progress;
      if (failure !== undefined) throw fail('EIO', `the ${activity} of ${device} does not go on: ${failure}`);
      if (done >= total) return;
      await command.around.sleep(INTERVAL);
    }
  } finally {
    display.end();
  }
}
