import { spawn } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { buildProgram, type Ended, Running } from '../../cli/test/program.ts';
import { peerPath } from '../../../tools/peers.ts';

/** A directory with the program built from the sources, a control socket of its own, and whatever a test puts there. */
export class World {
  readonly directory: string = realpathSync(mkdtempSync(join(tmpdir(), 'interposer-')));
  readonly socket: string = join(this.directory, 'control.sock');
  #script = '';

  /** The command line by default. */
  async build(entry?: URL): Promise<void> {
    this.#script = await buildProgram(join(this.directory, 'program'), entry);
  }

  /** Starts the command; standard input is the given text. */
  start(args: readonly string[], stdin?: string): Running {
    const env = { PATH: process.env.PATH, TMPDIR: this.directory, INTERPOSER_SOCKET: this.socket };
    return new Running(this.#script, args, {
      cwd: this.directory,
      env,
      ...(stdin === undefined ? {} : { stdin }),
    });
  }

  /** Runs the command to its end. */
  run(args: readonly string[], stdin?: string): Promise<Ended> {
    return this.start(args, stdin).ended;
  }

  /** Runs the command, which has to succeed; its standard output. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`interposer ${args.join(' ')} ended with ${String(code)}: ${stderr}`);
    return stdout;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A sparse image of so many bytes, with some data at its start. */
  image(name: string, bytes: number, data: Uint8Array | string = ''): string {
    writeFileSync(this.path(name), data);
    truncateSync(this.path(name), bytes);
    return this.path(name);
  }

  /** The process of the daemon that was started on demand. */
  daemonPid(): number {
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      const words = commandLine(name);
      if (words.includes('--started') && words.includes(this.socket)) return Number(name);
    }
    throw new Error('no daemon is running');
  }

  async end(): Promise<void> {
    await this.run(['shutdown']);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // It ended in between.
  }
}

/** A world for the tests of a file. */
export function useWorld(entry?: URL): World {
  const world = new World();
  beforeAll(() => world.build(entry));
  afterAll(() => world.end());
  return world;
}

/** Runs another program; its standard output, or an error that shows what it said. */
export async function program(name: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(peerPath(name) ?? name, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0)
    throw new Error(`${name} ${args.join(' ')} ended with ${String(code)}: ${complaints}${output}`);
  return output;
}
