import { NbdTlsError } from './errors.ts';
import { readNeeded } from './files.ts';

/** Pre-shared keys by user name. */
export type SharedKeys = ReadonlyMap<string, Uint8Array>;

/** OpenSSL takes no longer ones. */
const LONGEST_NAME = 128;
const LONGEST_KEY = 256;

/**
 * Reads a file of pre-shared keys as psktool writes it: a line `name:key` for each user, the key in hexadecimal digits. A name
 * may itself be written in hexadecimal digits behind a `#`. Throws `NbdTlsError`, which names the line and never shows it.
 */
export function readSharedKeys(path: string): SharedKeys {
  const text = readNeeded(path, 'the file of pre-shared keys').toString();
  const keys = new Map<string, Buffer>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line === '') return;
    const where = `${path}, line ${String(index + 1)}`;
    const [name, key] = parseLine(line, where);
    if (keys.has(name)) throw new NbdTlsError('EINVAL', `${where}: user ${name} has a key already`);
    keys.set(name, key);
  });
  if (keys.size === 0)
    throw new NbdTlsError('EINVAL', `${path} has no keys: want lines of NAME:HEXADECIMAL-KEY`);
  return keys;
}

/** The key of one user. ENOENT where there is none. */
export function sharedKeyOf(keys: SharedKeys, user: string, path: string): Uint8Array {
  const key = keys.get(user);
  if (key === undefined) throw new NbdTlsError('ENOENT', `${path} has no key of user ${user}`);
  return key;
}

/** The same keys, if TLS can use them. EINVAL otherwise. */
export function checkSharedKeys(keys: SharedKeys): SharedKeys {
  if (keys.size === 0) throw new NbdTlsError('EINVAL', 'there are no pre-shared keys');
  for (const [name, key] of keys) checkSizes(name, key, 'pre-shared keys');
  return keys;
}

function parseLine(line: string, where: string): [name: string, key: Buffer] {
  const colon = line.indexOf(':');
  if (colon < 0)
    throw new NbdTlsError('EINVAL', `${where}: want NAME:HEXADECIMAL-KEY, and there is no colon`);
  const name = decodeName(line.slice(0, colon), where);
  const digits = line.slice(colon + 1);
  if (!isHexadecimal(digits)) {
    throw new NbdTlsError('EINVAL', `${where}: the key is not made of pairs of hexadecimal digits`);
  }
  const key = Buffer.from(digits, 'hex');
  checkSizes(name, key, where);
  return [name, key];
}

function decodeName(text: string, where: string): string {
  if (!text.startsWith('#')) return text;
  const digits = text.slice(1);
  if (!isHexadecimal(digits)) {
    throw new NbdTlsError('EINVAL', `${where}: behind # the name is not made of pairs of hexadecimal digits`);
  }
  return Buffer.from(digits, 'hex').toString();
}

function checkSizes(name: string, key: Uint8Array, where: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > LONGEST_NAME) {
    throw new NbdTlsError('EINVAL', `${where}: a name has 1 to ${String(LONGEST_NAME)} bytes`);
  }
  if (key.length < 1 || key.length > LONGEST_KEY) {
    throw new NbdTlsError('EINVAL', `${where}: a key has 1 to ${String(LONGEST_KEY)} bytes`);
  }
}

function isHexadecimal(digits: string): boolean {
  return /^(?:[0-9A-Fa-f]{2})*$/.test(digits);
}
