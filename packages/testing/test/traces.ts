import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What there is of disks in the folder for temporary files: their folders, mounts, and programs that have one in an argument. */
export function traces(): string[] {
  const prefix = join(tmpdir(), 'interposer-disk-');
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith('interposer-disk-'));
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const programs = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `${pid} ${commandLine(pid).join(' ')}`);
  return [...folders, ...[...mounts, ...programs].filter((text) => text.includes(prefix))];
}

/** Empty for one that is gone, or a zombie. */
function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}
