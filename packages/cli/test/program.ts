import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const SCHEMAS = new URL('../../stack-file/schema', import.meta.url);
const ENTRY = new URL('program-entry.ts', import.meta.url);

/** Builds a program from the sources into one directory, to run it as a user does; the command line by default. */
export async function buildProgram(directory: string, entry: URL = ENTRY): Promise<string> {
  const source = fileURLToPath(entry);
  await build({
    entry: [source],
    outDir: directory,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    platform: 'node',
    target: 'node20',
    config: false,
    silent: true,
    noExternal: [/^@interposer\//],
    external: ['koffi', '@node-rs/argon2'],
    // For packages that are no modules and call it.
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
    esbuildOptions: (options) => {
      options.conditions = ['@interposer/source'];
    },
  });
  // The package of stack files reads them from where it is installed.
  cpSync(fileURLToPath(SCHEMAS), join(directory, '..', 'schema'), { recursive: true });
  return join(directory, `${basename(source, '.ts')}.mjs`);
}

/** What a program left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that was started. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  constructor(
    script: string,
    args: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv; stdin?: string },
  ) {
    const { cwd, env } = options;
    this.child = spawn(process.execPath, [script, ...args], { cwd, env, stdio: 'pipe' });
    this.child.stdin?.end(options.stdin ?? '');
    this.child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code) => {
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** Resolves with the first line it prints. */
  async firstLine(): Promise<string> {
    while (!this.#stdout.includes('\n')) {
      const more = new Promise((resolve) => this.child.stdout?.once('data', resolve));
      const ended = await Promise.race([more.then(() => undefined), this.ended]);
      if (ended !== undefined && !this.#stdout.includes('\n')) throw new Error(`it ended: ${ended.stderr}`);
    }
    return this.#stdout.slice(0, this.#stdout.indexOf('\n'));
  }
}
