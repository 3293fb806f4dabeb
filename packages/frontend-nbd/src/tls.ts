import { type ErrorCode, fail } from '@interposer/core';
import { NbdTlsError, readServerTls, type ServerTls, type ServerTlsOptions } from '@interposer/nbd-tls';
import type { AccessMeans } from './access.ts';

/** How a server does TLS. */
export interface NbdTlsOptions extends ServerTlsOptions {
  /** `off`: not at all. `allow`: for clients that ask for it. `require`: without it, clients cannot do anything. */
  readonly mode: 'off' | 'allow' | 'require';
}

/** What a connection needs to know about TLS. */
export interface TlsPolicy {
  /** In the words of the negotiation, before a client has started TLS. */
  readonly state: 'off' | 'offered' | 'required';
  /** Null if it is off. */
  readonly settings: ServerTls | null;
}

/** Reads certificates and keys. EINVAL, ENOENT and EACCES say which file or setting is wrong. */
export function makeTlsPolicy(options: NbdTlsOptions | undefined): TlsPolicy {
  if (options === undefined || options.mode === 'off') return { state: 'off', settings: null };
  try {
    return { state: options.mode === 'allow' ? 'offered' : 'required', settings: readServerTls(options) };
  } catch (error) {
    if (error instanceof NbdTlsError) throw fail(error.code satisfies ErrorCode, error.message, error);
    throw error;
  }
}

/** What rules of access can ask about clients of such a server. */
export function accessMeansOf({ settings }: TlsPolicy): AccessMeans {
  return {
    tls: settings !== null,
    certificates: settings?.certificates?.authority !== undefined,
    users: settings !== null && settings.keys !== null,
  };
}
