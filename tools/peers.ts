import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

// mkfs and its like are not always on an ordinary user's PATH.
const SYSTEM_PATHS = ['/usr/sbin', '/sbin'];
const reported = new Set<string>();

/**
 * Whether all these programs are installed: `describe.skipIf(!peer('qemu-img', 'nbdkit'))(...)`.
 * A missing one is named once on standard error. With `INTERPOSER_REQUIRE_PEERS=1` it is an error instead, so
 * that a continuous integration run cannot pass by skipping.
 */
export function peer(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => peerPath(program) === undefined);
  if (missing.length === 0) return true;
  const message = `not installed: ${missing.join(', ')}`;
  if (process.env.INTERPOSER_REQUIRE_PEERS === '1') throw new Error(message);
  if (!reported.has(message)) process.stderr.write(`tests skipped, ${message}\n`);
  reported.add(message);
  return false;
}

/** The full path of a program, or undefined when it is not installed. */
export function peerPath(program: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_PATHS];
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

/** What an installed program prints, which must succeed; wherever it was found. */
export function runPeer(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(peerPath(program) ?? program, args, options);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
