import { fail } from '@interposer/core';
import { type NbdUri, NbdUriError, parseNbdUri } from '@interposer/nbd-protocol';
import { type ClientTls, NbdTlsError, readClientTls } from '@interposer/nbd-tls';

const MOST_CONNECTIONS = 16;

/** A day: who waits longer has no server. */
const LONGEST_RECONNECT = 86_400;

/** What the URI of an export says beside where it is. */
export interface ClientSettings {
  readonly uri: NbdUri;
  /** Present: everything is sent through TLS, or not at all. */
  readonly tls?: ClientTls;
  /** Connections to open where the server serves one export over several. */
  readonly connections: number;
  /** Milliseconds to try to get a broken connection back; 0: not at all. */
  readonly reconnect: number;
}

/** The place a name means. EINVAL for what is no NBD URI. */
export function uriOf(scheme: string, spec: string): NbdUri {
  try {
    return parseNbdUri(`${scheme}:${spec}`);
  } catch (error) {
    if (error instanceof NbdUriError) throw fail('EINVAL', error.message, error);
    throw error;
  }
}

/** Reads what a URI asks for, and the files it names. EINVAL for a value that cannot be, and what `readClientTls` says. */
export function settingsOf(uri: NbdUri, log: (message: string) => void): ClientSettings {
  const { connections, reconnect, ...others } = uri.unknownParameters;
  for (const key of Object.keys(others)) log(`"${key}" has no meaning here`);
  const tls = tlsOf(uri);
  return {
    uri,
    ...(tls === undefined ? {} : { tls }),
    connections: numberOf('connections', connections, 1, MOST_CONNECTIONS, 1),
    reconnect: 1000 * numberOf('reconnect', reconnect, 0, LONGEST_RECONNECT, 0),
  };
}

function tlsOf({ tls, tlsParameters, address, user }: NbdUri): ClientTls | undefined {
  const [key] = Object.keys(tlsParameters);
  if (!tls) {
    // Whoever writes such a key believes the connection to be secure.
    if (key !== undefined) throw fail('EINVAL', `${key}= goes with nbds:// and nbds+unix://`);
    return undefined;
  }
  try {
    return readClientTls({
      parameters: tlsParameters,
      ...(address.kind === 'tcp' ? { host: address.host } : {}),
      ...(user === undefined ? {} : { user }),
    });
  } catch (error) {
    throw fromTlsError(error);
  }
}

/** An error of the TLS package as one of ours; anything else as it is. */
export function fromTlsError(error: unknown): unknown {
  return error instanceof NbdTlsError ? fail(error.code, error.message, error) : error;
}

function numberOf(
  key: string,
  text: string | undefined,
  least: number,
  most: number,
  byDefault: number,
): number {
  if (text === undefined) return byDefault;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw fail('EINVAL', `${key}=${text}: want a whole number from ${least} to ${most}`);
}
