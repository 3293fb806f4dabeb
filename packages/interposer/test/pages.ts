import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { World } from './world.ts';

/** A command of a page, and what the page says that it prints. */
export interface Step {
  readonly command: string;
  readonly output: string;
}

/** A page of docs/. */
export function readPage(page: string): string {
  return readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8');
}

/** The code blocks of a page of docs/ in a language. */
export function codeBlocks(page: string, language: string): string[] {
  const fences = readPage(page).matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  return [...fences].filter(([, found]) => found === language).map(([, , body]) => body!);
}

/** The commands of a block of a console: after `$`, and after `>` where they go on. */
export function stepsOf(block: string): Step[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [, command = '', output = ''] = /^((?:.*\\\n> )*.*\n)([^]*)$/.exec(part) ?? [];
      return { command: command.replaceAll(/\\\n> /g, '\\\n').trimEnd(), output };
    });
}

const END = '\u0001';

/** Where a shell is, and as whom. */
export interface ShellOptions {
  /** Stands for /tmp and has the daemon's socket; that of the world by default. */
  readonly folder?: string;
  /** A program, with its arguments, that runs another one with less rights. */
  readonly launcher?: readonly string[];
}

/** A shell in a world where `interposer` is the bundle's program. */
export class Shell {
  readonly #folder: string;
  readonly #command: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;

  constructor(world: World, { folder = world.directory, launcher = [] }: ShellOptions = {}) {
    this.#folder = folder;
    this.#command = [...launcher, 'bash', '-c'];
    const directory = world.path('bin');
    const command = `${directory}/interposer`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(
      command,
      `#!/bin/sh\nexec "${process.execPath}" "${world.path('program/program-entry.mjs')}" "$@"\n`,
    );
    chmodSync(command, 0o755);
    this.#environment = {
      PATH: `${directory}:/usr/bin:/bin`,
      TMPDIR: folder,
      INTERPOSER_SOCKET: `${folder}/control.sock`,
    };
  }

  /** Runs a script of bash that has to succeed; all that it printed. What the page has in /tmp is in the folder. */
  async run(script: string): Promise<string> {
    const [command = '', ...args] = this.#command;
    const child = spawn(command, [...args, this.#local(script)], {
      cwd: this.#folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(`the script ended with ${String(code)}: ${output}`);
    return output.replaceAll(`${this.#folder}/`, '/tmp/');
  }

  /** Makes a file in the folder. */
  write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), this.#local(text));
  }

  /** Runs commands of a page, one after another in one shell; each with what it printed. */
  async follow(steps: readonly Step[]): Promise<Step[]> {
    const script = steps.map(({ command }) => `{ ${command}\n} 2>&1\nprintf '${END}'\n`).join('');
    const outputs = (await this.run(script)).split(END);
    return steps.map(({ command }, index) => ({ command, output: outputs[index] ?? '' }));
  }

  #local(text: string): string {
    return text.replaceAll('/tmp/', `${this.#folder}/`);
  }
}
