import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fail, fromSystemError } from '@interposer/core';
import { oneLine, spawnOptions } from './programs.ts';
import type { System } from './system.ts';

/** Characters of a helper's complaints that are kept, the latest. */
const MAX_COMPLAINT = 1000;

/** A program that runs as long as an attachment: nbdfuse, or nbd-client. */
export class Helper {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it ended, to how it did. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcessByStdio<null, null, Readable>;
  #running = true;
  #complaint = '';

  private constructor(name: string, child: ChildProcessByStdio<null, null, Readable>) {
    this.name = name;
    this.pid = child.pid!;
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#complaint = `${this.#complaint}${chunk.toString()}`.slice(-MAX_COMPLAINT);
    });
    this.ended = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        this.#running = false;
        const how = signal ?? `exit code ${String(code)}`;
        const complaint = oneLine(this.#complaint);
        resolve(`${name} ended with ${how}${complaint === '' ? '' : `: ${complaint}`}`);
      });
    });
  }

  /** Starts the program. ENOENT if it is not installed. */
  static async start(system: System, name: string, args: readonly string[]): Promise<Helper> {
    const path = system.program(name);
    if (path === undefined) throw fail('ENOENT', `${name} is not installed`);
    const child = spawn(path, args, { ...spawnOptions(), stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        reject(fromSystemError(error, path));
      });
    });
    return new Helper(name, child);
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it complained of lately, in one line. */
  get complaint(): string {
    return oneLine(this.#complaint);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}
