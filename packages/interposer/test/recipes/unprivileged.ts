import { spawnSync } from 'node:child_process';
import process from 'node:process';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const NOBODY = 65534;

const asNobody = [`--reuid=${String(NOBODY)}`, `--regid=${String(NOBODY)}`, '--clear-groups'];
const withoutCapabilities = ['--bounding-set=-all', '--inh-caps=-all'];

/**
 * Whether nobody may run this Node: it may be in the home of root, who then follows the recipes without any capability. By a
 * shell, for setpriv itself still finds what only root does.
 */
const isReachable =
  uid === 0 &&
  spawnSync('setpriv', [...asNobody, 'sh', '-c', '"$0" --version', process.execPath]).status === 0;

/** Who follows recipes: this user, or nobody where this one is root. */
export const user: { readonly uid: number; readonly gid: number } = isReachable
  ? { uid: NOBODY, gid: NOBODY }
  : { uid, gid };

/**
 * Runs a program as in a container without privileges. The kernel takes no more than `--no-new-privs` to refuse fusermount3,
 * and so /dev/fuse, which anybody may open.
 */
export const launcher: readonly string[] = ['setpriv', '--no-new-privs', ...dropped()];

function dropped(): readonly string[] {
  if (isReachable) return asNobody;
  return uid === 0 ? withoutCapabilities : [];
}
