// Runs programs and says, where one does not do what it should, which and what it printed.
import { spawn } from 'node:child_process';

/** A program that ended: `code`, `stdout`, `stderr`. */
export async function run(program, args, { cwd, env = process.env }) {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], shell: onWindows });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => (output[stream] += text));
  }
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, ...output };
}

/** As `run`, for a program that must succeed: its standard output. */
export async function succeed(program, args, options) {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code === 0) return stdout;
  const command = [program, ...args].join(' ');
  throw new Error(
    `${command}\n  in ${options.cwd} ended with ${code}\n${stdout.slice(-4000)}${stderr.slice(-4000)}`,
  );
}

/** npm and its like are scripts there. */
const onWindows = process.platform === 'win32';
