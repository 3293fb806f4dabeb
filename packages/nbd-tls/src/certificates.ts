import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { NbdTlsError } from './errors.ts';
import { readIfThere, readNeeded } from './files.ts';

/** Certificates as PEM texts. */
export interface Certificates {
  /** The authorities that certificates of the other side must come from; absent: those that Node trusts. */
  readonly authority?: string;
  /** One's own, with its chain behind it. */
  readonly certificate?: string;
  readonly key?: string;
  /** Certificates that the authorities took back. */
  readonly revoked?: string;
}

/**
 * What a client uses of a folder as libnbd, nbdkit and qemu keep it: `ca-cert.pem`; `client-cert.pem` with `client-key.pem`,
 * and `ca-crl.pem`, where they are. Throws `NbdTlsError`.
 */
export function readClientCertificates(folder: string): Certificates {
  const authority = readText(folder, 'ca-cert', 'the authority that signed the certificate of the server');
  return checkCertificates({ authority, ...readPair(folder, 'client'), ...readRevoked(folder) }, folder);
}

/**
 * What a server uses of such a folder: `server-cert.pem` with `server-key.pem`; `ca-cert.pem` and `ca-crl.pem` where they are.
 * Throws `NbdTlsError`.
 */
export function readServerCertificates(folder: string): Certificates {
  const certificate = readText(folder, 'server-cert', 'a server needs a certificate of its own');
  const key = readText(folder, 'server-key', 'it belongs to server-cert.pem');
  const authority = readIfThere(join(folder, 'ca-cert.pem'))?.toString();
  const found = {
    certificate,
    key,
    ...(authority === undefined ? {} : { authority }),
    ...readRevoked(folder),
  };
  return checkCertificates(found, folder);
}

/** The same certificates, if they can be used. EINVAL names the text that cannot, and where it is from. */
export function checkCertificates(certificates: Certificates, from: string): Certificates {
  const { authority, certificate, key, revoked } = certificates;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new NbdTlsError(
      'EINVAL',
      `${from}: a certificate and its key go together, and one of them is missing`,
    );
  }
  checkPem(from, 'the certificate of the authority', authority);
  checkPem(from, 'the certificate', certificate);
  tryOut(from, 'the key does not fit the certificate, or is no key without a password', {
    cert: certificate,
    key,
  });
  tryOut(from, 'the revocation list is malformed', { crl: revoked });
  return certificates;
}

function checkPem(from: string, what: string, text: string | undefined): void {
  if (text === undefined) return;
  try {
    new X509Certificate(text);
  } catch (error) {
    throw new NbdTlsError('EINVAL', `${from}: ${what} is no certificate in PEM form`, error);
  }
}

function tryOut(
  from: string,
  complaint: string,
  options: Readonly<Record<string, string | undefined>>,
): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new NbdTlsError('EINVAL', `${from}: ${complaint} (${(error as Error).message})`);
  }
}

function readPair(folder: string, side: string): Certificates {
  const certificate = readIfThere(join(folder, `${side}-cert.pem`))?.toString();
  if (certificate === undefined) return {};
  return { certificate, key: readText(folder, `${side}-key`, `it belongs to ${side}-cert.pem`) };
}

function readRevoked(folder: string): Certificates {
  const revoked = readIfThere(join(folder, 'ca-crl.pem'))?.toString();
  return revoked === undefined ? {} : { revoked };
}

function readText(folder: string, name: string, purpose: string): string {
  return readNeeded(join(folder, `${name}.pem`), purpose).toString();
}
