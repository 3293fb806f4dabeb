import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, parseTold, type Told, type Word } from './job.ts';

/** Milliseconds after which a program that tells nothing more is taken for stuck. */
const PATIENCE = 30_000;

/** When a program is killed: so many milliseconds after it has told a word for so many times. */
export interface Instant {
  readonly word: Word;
  readonly times: number;
  readonly delay: number;
}

/** A program that has been started, and waits for its job. */
class Started {
  readonly child: ChildProcess;
  readonly closed: Promise<unknown>;
  stderr = '';
  readonly lines: string[] = [];

  constructor(script: string) {
    this.child = spawn(process.execPath, [script], { stdio: 'pipe' });
    this.child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    // It may be killed before it has read its job.
    this.child.stdin!.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.child.on('close', resolve));
  }
}

/** Has programs do their jobs, and kills them. The next one starts while what the last one left is looked at. */
export class Killer {
  readonly #script: string;
  #next: Started;

  constructor(script: string) {
    this.#script = script;
    this.#next = new Started(script);
  }

  /** What a program told until it was killed. */
  async run(job: Job, instant: Instant): Promise<Told[]> {
    const program = this.#next;
    program.child.stdin!.end(JSON.stringify(job));
    await killAt(program, instant);
    this.#next = new Started(this.#script);
    return program.lines.map(parseTold);
  }

  async end(): Promise<void> {
    this.#next.child.kill('SIGKILL');
    await this.#next.closed;
  }
}

async function killAt(program: Started, { word, times, delay }: Instant): Promise<void> {
  const { child, closed } = program;
  let seen = 0;
  // What is cut off was not told: a write is not sent before that.
  let rest = '';
  let last = performance.now();
  const due = new Promise<void>((resolve) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      program.lines.push(...lines);
      last = performance.now();
      seen += lines.filter((line) => line.startsWith(word)).length;
      if (seen >= times) resolve();
    });
  });
  const isStuck = async (): Promise<void> => {
    while (performance.now() - last < PATIENCE) await sleep(PATIENCE / 10, undefined, { ref: false });
  };
  await Promise.race([due, closed, isStuck()]);
  if (delay > 0) await sleep(delay);
  const isAlive = child.exitCode === null;
  child.kill('SIGKILL');
  await closed;
  if (isAlive && seen >= times) return;
  const tail = program.lines.slice(-20).join('\n');
  throw new Error(`the program ${isAlive ? 'goes on no more' : 'ended'}: ${program.stderr}\n${tail}`);
}
