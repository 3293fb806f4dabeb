import { execFile } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { peerPath } from '../../../../tools/peers.ts';
import { later } from '../../../../tools/temporary.ts';
import { type LuksVolume, openImageFile, readLuks } from '../../src/index.ts';

const execute = promisify(execFile);

/** Runs a program that must succeed, and answers what it printed. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(peerPath(program)!, args, { maxBuffer: 2 ** 26 });
  return stdout;
}

/** How often qemu-img may try to measure a machine that does other things as well. */
const MEASUREMENTS = 20;

/** Makes a LUKS image with qemu-img. It gives up where others take its processor while it counts iterations: that is no fault. */
export async function makeWithQemu(...args: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await run('qemu-img', ...args);
      return;
    } catch (error) {
      const isMeasuring = String((error as { stderr?: string }).stderr).includes('accurate CPU usage');
      if (!isMeasuring || tries === MEASUREMENTS) throw error;
    }
  }
}

/** The exit code of a program. */
export async function exitCode(program: string, ...args: readonly string[]): Promise<number> {
  return run(program, ...args).then(
    () => 0,
    (error: unknown) => (error as { code: number }).code,
  );
}

/** An empty file of a size. */
export function emptyFile(folder: string, name: string, bytes: number): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
}

/** A file with a passphrase and nothing else. */
export function keyFile(folder: string, passphrase: string | Uint8Array, name = 'key'): string {
  const path = join(folder, name);
  writeFileSync(path, passphrase);
  return path;
}

/** Options for cryptsetup that cost little time. */
export const CHEAP_PBKDF2 = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'] as const;

/** A passphrase with what is hard to type. */
export const PASSPHRASE: Buffer = Buffer.from('correct horse\n\0battery');

export const MIB: number = 2 ** 20;

/** The volume of an image, until the end of the test. */
export async function openVolume(path: string, mode: 'read' | 'write' = 'read'): Promise<LuksVolume> {
  const image = await openImageFile(path, mode);
  later(() => image.close());
  return readLuks(image);
}

/** What cryptsetup dumps, but for what differs on purpose: the name of the image, and blanks at the ends of lines. */
export async function cryptsetupDump(path: string): Promise<string> {
  const text = await run('cryptsetup', 'luksDump', path);
  return text.replace(` for ${path}`, '').replace(/[ \t]+$/gm, '');
}
