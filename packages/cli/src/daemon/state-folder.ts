import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a user's programs keep what outlives a restart, by the rules of the XDG base directories. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: chosen } = env;
  const base = chosen === undefined || chosen === '' ? join(homedir(), '.local', 'state') : chosen;
  return join(base, 'interposer');
}
