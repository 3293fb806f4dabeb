/** A stable code of what went wrong; the codes mean what they mean to the operating system. */
export type NbdTlsErrorCode = 'ENOENT' | 'EINVAL' | 'EACCES' | 'EIO' | 'ENOTSUP';

/**
 * What cannot be had or agreed on. `ENOENT`: a file or user is not there; `EINVAL`: a file or setting is malformed; `EACCES`:
 * a file may not be read, or one side does not trust the other; `EIO`: the connection broke; `ENOTSUP`: this build of Node
 * cannot do it. Messages never hold a key.
 */
export class NbdTlsError extends Error {
  override readonly name = 'NbdTlsError';
  readonly code: NbdTlsErrorCode;

  constructor(code: NbdTlsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED']);

/**
 * An error of a TLS socket as one of ours. In TLS 1.3 a client may be refused only after its own handshake is complete, so
 * errors of an open socket belong here too.
 */
export function describeTlsError(error: Error): NbdTlsError {
  if (error instanceof NbdTlsError) return error;
  const { code = '', reason } = error as NodeJS.ErrnoException & { readonly reason?: string };
  if (BROKEN.has(code)) return new NbdTlsError('EIO', `the connection broke in TLS: ${error.message}`, error);
  return new NbdTlsError('EACCES', `TLS failed: ${explain(code, reason ?? error.message)}`, error);
}

/** The error for a certificate that is not accepted, by the code that OpenSSL gives the reason. */
export function untrusted(code: string): NbdTlsError {
  return new NbdTlsError('EACCES', `TLS failed: ${explain(code, code)}`);
}

// What OpenSSL says of the cases that people meet, in words that say what to do.
const EXPLANATIONS: Readonly<Partial<Record<string, string>>> = {
  CERT_HAS_EXPIRED: 'the certificate of the other side has expired',
  CERT_NOT_YET_VALID: 'the certificate of the other side is not valid yet',
  CERT_REVOKED: 'the certificate of the other side is revoked',
  CERT_SIGNATURE_FAILURE: 'the certificate of the other side is signed by an authority that is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate of the other side is signed by nobody but itself',
  INVALID_PURPOSE: 'the certificate of the other side is for another purpose',
  SELF_SIGNED_CERT_IN_CHAIN:
    'the certificate of the other side is signed by an authority that is not trusted',
  UNABLE_TO_GET_CRL: 'there is no revocation list of the authority of the certificate',
  UNABLE_TO_GET_ISSUER_CERT:
    'the certificate of the other side is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the certificate of the other side is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the certificate of the other side is signed by an authority that is not trusted',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the other side wants a certificate',
  ERR_SSL_NO_SHARED_CIPHER:
    'the two sides have no method in common: certificates on one, shared keys on the other?',
  ERR_SSL_BINDER_DOES_NOT_VERIFY: 'the shared keys of the two sides differ',
};

// RFC 8446, 6.2: what the other side says before it hangs up, by the name of the alert, which OpenSSL ends its reason with.
const ALERTS: Readonly<Partial<Record<string, string>>> = {
  'handshake failure':
    'the other side found nothing in common: certificates on one side and pre-shared keys on the other, or a user it does not know?',
  'illegal parameter': 'the other side did not accept what it was shown: do the pre-shared keys differ?',
  'decrypt error': 'the other side did not accept what it was shown: do the pre-shared keys differ?',
  'unknown psk identity': 'the other side does not know the user',
  'unknown ca': 'the other side does not trust the authority of the certificate that it was shown',
};

function explain(code: string, text: string): string {
  const alert = /alert ([a-z ]+)$/.exec(text)?.[1] ?? '';
  const meaning = ALERTS[alert];
  return EXPLANATIONS[code] ?? (meaning === undefined ? text : `${meaning} (${text})`);
}
