import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Certificates, readClientCertificates } from './certificates.ts';
import { NbdTlsError } from './errors.ts';
import { readSharedKeys, sharedKeyOf } from './shared-keys.ts';

/** How a client secures a connection: everything read, nothing left to fail but the other side. */
export type ClientTls =
  | {
      readonly type: 'x509';
      readonly certificates: Certificates;
      /** Refuse a server whose certificate is not signed by an authority that is trusted, or is for another name. */
      readonly verifyPeer: boolean;
      /** The name that the certificate must be for; absent: any. */
      readonly hostname?: string;
    }
  | { readonly type: 'psk'; readonly user: string; readonly key: Uint8Array }
  | { readonly type: 'anon' };

/** The parts of an NBD URI that concern TLS. */
export interface TlsPlace {
  /** The parameters `tls-type`, `tls-hostname`, `tls-verify-peer`, `tls-certificates` and `tls-psk-file`, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The host; absent for a UNIX socket. */
  readonly host?: string;
  /** The user of a pre-shared key. */
  readonly user?: string;
}

const PARAMETERS = ['tls-type', 'tls-hostname', 'tls-verify-peer', 'tls-certificates', 'tls-psk-file'];
const TYPES = ['anon', 'x509', 'psk'];

/**
 * The settings that a URI asks for, with the defaults of libnbd: pre-shared keys where `tls-psk-file` is given and
 * certificates where not; certificates from `~/.pki/libnbd`, `~/.config/pki/libnbd` or, for root, `/etc/pki/libnbd`, and the
 * authorities that Node trusts if there is no such folder; the server verified, by the name in `tls-hostname` or the host. The
 * certificate of a server on a UNIX socket may be for any name, unless `tls-hostname` tells one. Throws `NbdTlsError`.
 */
export function readClientTls(place: TlsPlace): ClientTls {
  const { parameters } = place;
  for (const name of Object.keys(parameters)) {
    if (!PARAMETERS.includes(name)) throw refuse(`${name} is not known: ${PARAMETERS.join(', ')} are`);
  }
  const pskFile = parameters['tls-psk-file'];
  const type = parameters['tls-type'] ?? (pskFile === undefined ? 'x509' : 'psk');
  if (type === 'x509') return readX509(place);
  if (type === 'psk') return readPsk(place, pskFile);
  if (type === 'anon') return { type };
  throw refuse(`tls-type=${type} is not known: ${TYPES.join(', ')} are`);
}

function readX509({ parameters, host }: TlsPlace): ClientTls {
  const hostname = parameters['tls-hostname'] ?? host;
  return {
    type: 'x509',
    certificates: findCertificates(parameters['tls-certificates']),
    verifyPeer: parseVerify(parameters['tls-verify-peer'] ?? '1'),
    ...(hostname === undefined ? {} : { hostname }),
  };
}

function readPsk({ user = userInfo().username }: TlsPlace, path: string | undefined): ClientTls {
  if (path === undefined) throw refuse('tls-type=psk goes with tls-psk-file=FILE');
  return { type: 'psk', user, key: sharedKeyOf(readSharedKeys(path), user, path) };
}

function findCertificates(folder: string | undefined): Certificates {
  if (folder !== undefined) return readClientCertificates(folder);
  const found = defaultFolders().find((candidate) => existsSync(join(candidate, 'ca-cert.pem')));
  return found === undefined ? {} : readClientCertificates(found);
}

function defaultFolders(): readonly string[] {
  if (process.geteuid?.() === 0) return ['/etc/pki/libnbd'];
  return [join(homedir(), '.pki/libnbd'), join(homedir(), '.config/pki/libnbd')];
}

function parseVerify(text: string): boolean {
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw refuse('tls-verify-peer is 1 or 0');
}

function refuse(message: string): NbdTlsError {
  return new NbdTlsError('EINVAL', message);
}
