import { type Certificates, checkCertificates, readServerCertificates } from './certificates.ts';
import { NbdTlsError } from './errors.ts';
import { checkSharedKeys, readSharedKeys, type SharedKeys } from './shared-keys.ts';

/** What a server has to show. At least one of the two; with both, the client chooses. */
export interface ServerTlsOptions {
  /** A folder as libnbd, nbdkit and qemu keep it, or the texts themselves. */
  readonly certificates?: string | Certificates;
  /** A file of pre-shared keys, or the keys. */
  readonly psk?: string | SharedKeys;
  /** Refuse clients of certificates that have none of their own that the authority signed. Off by default. */
  readonly verifyPeer?: boolean;
}

/** How a server secures its connections: everything read and tried out. */
export interface ServerTls {
  readonly certificates: Certificates | null;
  readonly keys: SharedKeys | null;
  readonly verifyPeer: boolean;
}

/** Reads what a server has to show. Throws `NbdTlsError`. */
export function readServerTls({ certificates, psk, verifyPeer = false }: ServerTlsOptions): ServerTls {
  const shown = certificates === undefined ? null : certificatesOf(certificates);
  const keys = psk === undefined ? null : keysOf(psk);
  if (shown === null && keys === null) {
    throw new NbdTlsError('EINVAL', 'TLS takes a folder of certificates, a file of pre-shared keys, or both');
  }
  if (verifyPeer && shown !== null && shown.authority === undefined) {
    throw new NbdTlsError(
      'EINVAL',
      'clients can be verified only with the certificate of the authority that signs theirs (ca-cert.pem)',
    );
  }
  return { certificates: shown, keys, verifyPeer };
}

function certificatesOf(given: string | Certificates): Certificates {
  if (typeof given === 'string') return readServerCertificates(given);
  if (given.certificate === undefined) {
    throw new NbdTlsError('EINVAL', 'a server needs a certificate and a key of its own');
  }
  return checkCertificates(given, 'the given certificates');
}

function keysOf(given: string | SharedKeys): SharedKeys {
  return typeof given === 'string' ? readSharedKeys(given) : checkSharedKeys(given);
}
