import { NBD_PORT } from './constants.ts';

/** Where an NBD server is and which of its exports is meant. */
export interface NbdUri {
  /** `nbds`: TLS is required. */
  readonly tls: boolean;
  readonly address:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string };
  /** Empty: the default export. */
  readonly exportName: string;
  /** User of TLS with a pre-shared key. */
  readonly user?: string;
  /** The keys that concern TLS, decoded. */
  readonly tlsParameters: Readonly<Record<string, string>>;
  /** Keys that have no meaning here, for the caller to report or to give one. */
  readonly unknownKeys: readonly string[];
  /** Their values, decoded. They say nothing of the place, and are not in the text that `formatNbdUri` makes. */
  readonly unknownParameters: Readonly<Record<string, string>>;
}

/** A text that is no NBD URI; the message says why. */
export class NbdUriError extends Error {
  override readonly name = 'NbdUriError';
  readonly code = 'EINVAL';
}

const URI = /^(nbds?)(\+unix)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const AUTHORITY = /^(?:([^@]*)@)?(\[[0-9A-Fa-f:.]+\]|[^:@[\]]*)(?::(\d+))?$/;
/** Linux: unix(7), `sun_path` less its end. Node cuts what is longer, and would connect to another socket. */
const MAX_SOCKET_PATH = 107;
const TLS_KEYS = new Set(['tls-type', 'tls-hostname', 'tls-verify-peer', 'tls-psk-file', 'tls-certificates']);

/**
 * Parses `nbd://[user@]host[:port]/EXPORT`, `nbd+unix:///EXPORT?socket=PATH` and their `nbds` kin. The export is the path
 * without its first slash, percent-decoded. Throws `NbdUriError`.
 */
export function parseNbdUri(text: string): NbdUri {
  const [, scheme, unix, authority, path = '', query = ''] = URI.exec(text) ?? [];
  if (scheme === undefined || authority === undefined) {
    throw new NbdUriError(
      `"${text}" is no NBD URI: want nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH`,
    );
  }
  const keys = parseQuery(text, query);
  const { user, host, port } = parseAuthority(text, authority);
  const address = unix === undefined ? tcpAddress(text, host, port, keys) : unixAddress(text, host, keys);
  const known = [...keys].filter(([key]) => TLS_KEYS.has(key));
  const unknown = [...keys].filter(([key]) => key !== 'socket' && !TLS_KEYS.has(key));
  return {
    tls: scheme === 'nbds',
    address,
    exportName: decode(text, path),
    ...(user === undefined ? {} : { user: decode(text, user) }),
    tlsParameters: Object.fromEntries(known),
    unknownKeys: unknown.map(([key]) => key),
    unknownParameters: Object.fromEntries(unknown),
  };
}

/** The text of a URI: equal places give equal texts. */
export function formatNbdUri(uri: NbdUri): string {
  const { address, exportName, tls, user, tlsParameters } = uri;
  const keys = Object.entries(tlsParameters).sort(([a], [b]) => (a < b ? -1 : 1));
  const login = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const name = exportName.split('/').map(encodeURIComponent).join('/');
  if (address.kind === 'unix') keys.unshift(['socket', address.path]);
  const query = keys
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll('%2F', '/')}`)
    .join('&');
  const host = address.kind === 'unix' ? '' : hostText(address.host, address.port);
  const scheme = `${tls ? 'nbds' : 'nbd'}${address.kind === 'unix' ? '+unix' : ''}`;
  return `${scheme}://${login}${host}/${name}${query === '' ? '' : `?${query}`}`;
}

function hostText(host: string, port: number): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === NBD_PORT ? bracketed : `${bracketed}:${String(port)}`;
}

function parseAuthority(text: string, authority: string): { user?: string; host: string; port: number } {
  const match = AUTHORITY.exec(authority);
  if (match === null) throw new NbdUriError(`"${text}": "${authority}" is no [user@]host[:port]`);
  const [, user, host = '', portText] = match;
  const port = portText === undefined ? NBD_PORT : Number(portText);
  if (port < 1 || port > 65535)
    throw new NbdUriError(`"${text}": ${String(portText)} is no port, which is 1 to 65535`);
  const name = host.startsWith('[') ? host.slice(1, -1) : decode(text, host);
  return { host: name, port, ...(user === undefined ? {} : { user }) };
}

function tcpAddress(text: string, host: string, port: number, keys: Map<string, string>): NbdUri['address'] {
  if (keys.has('socket')) throw new NbdUriError(`"${text}": socket= goes with nbd+unix://`);
  return { kind: 'tcp', host: host === '' ? 'localhost' : host, port };
}

function unixAddress(text: string, host: string, keys: Map<string, string>): NbdUri['address'] {
  const path = keys.get('socket');
  if (host !== '')
    throw new NbdUriError(`"${text}": nbd+unix:// takes no host; write nbd+unix:///EXPORT?socket=PATH`);
  if (path === undefined || path === '') throw new NbdUriError(`"${text}": socket=PATH is missing`);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw new NbdUriError(
      `"${text}": the path of a UNIX socket has at most ${String(MAX_SOCKET_PATH)} bytes`,
    );
  }
  return { kind: 'unix', path };
}

function parseQuery(text: string, query: string): Map<string, string> {
  const keys = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decode(text, equals < 0 ? pair : pair.slice(0, equals));
    if (keys.has(key)) throw new NbdUriError(`"${text}": ${key}= is given twice`);
    keys.set(key, equals < 0 ? '' : decode(text, pair.slice(equals + 1)));
  }
  return keys;
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new NbdUriError(`"${text}": "${part}" is not properly percent-encoded UTF-8`);
  }
}
