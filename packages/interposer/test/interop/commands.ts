import { execFile, type ExecFileException, spawn } from 'node:child_process';
import process from 'node:process';
import { peerPath } from '../../../../tools/peers.ts';

// nbdsh is a Python program of the system and wants the Python of the system.
const ENVIRONMENT = { ...process.env, PATH: `/usr/bin:/bin:${process.env.PATH ?? ''}` };

/** For a program that neither works nor gives up. */
const TIMEOUT = 30_000;

/** What a program left behind; code -1: it was killed. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a peer to its end. */
export function run(program: string, ...words: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      peerPath(program) ?? program,
      words,
      { env: ENVIRONMENT, maxBuffer: 2 ** 26, timeout: TIMEOUT },
      (error: ExecFileException | null, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** Runs a peer, which has to succeed; its standard output. */
export async function succeed(program: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, ...words);
  if (code !== 0)
    throw new Error(`${program} ${words.join(' ')} ended with ${String(code)}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs a peer, which has to fail; all that it said. */
export async function failing(program: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, ...words);
  if (code <= 0)
    throw new Error(`${program} ${words.join(' ')} ended with ${String(code)}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

/** A program that runs until it is stopped. */
export class Background {
  readonly #name: string;
  readonly #ended: Promise<unknown>;
  readonly #kill: () => void;
  #gone = false;
  #said = '';

  constructor(program: string, ...words: readonly string[]) {
    this.#name = `${program} ${words.join(' ')}`;
    const child = spawn(peerPath(program) ?? program, words, {
      env: ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#ended = new Promise((resolve) => child.on('close', resolve));
    void this.#ended.then(() => (this.#gone = true));
    this.#kill = () => void child.kill('SIGTERM');
  }

  /** Resolves when `ready` says so; rejects if the program ends before. */
  async until(ready: () => Promise<boolean>): Promise<void> {
    while (!(await ready())) {
      if (this.#gone) throw new Error(`${this.#name} ended: ${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    this.#kill();
    await this.#ended;
  }
}
