import type { NbdUri } from '@interposer/nbd-protocol';
import { connectTls, readClientTls } from '@interposer/nbd-tls';
import { connect } from 'node:tls';
import type { Secure } from './kit.ts';
import { NotApplicable } from './rule.ts';

/**
 * TLS handshakes as the address asks for them; null if it is not of TLS. `NbdTlsError` if its certificates or keys cannot be
 * read.
 */
export function secureFor(uri: NbdUri): Secure | null {
  if (!uri.tls) return null;
  const { address, tlsParameters: parameters, user } = uri;
  const settings = readClientTls({
    parameters,
    ...(address.kind === 'tcp' ? { host: address.host } : {}),
    ...(user === undefined ? {} : { user }),
  });
  return (socket, attempt) => {
    if (attempt === undefined) return connectTls(socket, settings);
    if (settings.type !== 'x509') throw new NotApplicable('versions are tried with certificates only');
    const { authority: ca, certificate: cert, key } = settings.certificates;
    const options = { ca, cert, key, ...attempt, ciphers: `DEFAULT:@SECLEVEL=0` };
    const secure = connect({ socket, rejectUnauthorized: false, ...options });
    return new Promise((resolve, reject) => {
      secure.once('secureConnect', () => resolve(secure));
      secure.once('error', reject);
      secure.once('close', () => reject(new Error('the server closed the connection in the TLS handshake')));
    });
  };
}
