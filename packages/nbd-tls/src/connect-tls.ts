import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { ClientTls } from './client-settings.ts';
import { describeTlsError, NbdTlsError } from './errors.ts';
import { OLDEST_VERSION, SHARED_KEY_SUITES } from './methods.ts';

/**
 * Secures a connected socket as its client. Nothing may have come on it that is not read. Afterwards only the socket that it
 * resolves to is to be used; that has no data listener yet, closes the other one with itself, and may have been destroyed
 * already. Rejects with `NbdTlsError` (`EACCES`: one side does not trust the other; `EIO`: the connection broke; `ENOTSUP`:
 * Node has no method for it), and the socket is closed then. There is no time limit: whoever has one destroys the socket.
 */
export function connectTls(socket: Socket, settings: ClientTls): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = begin(socket, settings);
    const failed = (error: Error): void => {
      secure.destroy();
      socket.destroy();
      reject(describeTlsError(error));
    };
    const closed = (): void => {
      failed(new NbdTlsError('EIO', 'the server closed the connection in the TLS handshake'));
    };
    // Stays after the handshake: what comes together with its end may break before anybody else listens.
    secure.on('error', failed);
    secure.once('close', closed);
    secure.once('secureConnect', () => {
      secure.off('close', closed);
      resolve(secure);
    });
  });
}

function begin(socket: Socket, settings: ClientTls): TLSSocket {
  try {
    return connect({ socket, minVersion: OLDEST_VERSION, ...optionsOf(settings) });
  } catch (error) {
    // Everything was tried out before but the methods, of which there are fewer where OpenSSL is built so.
    socket.destroy();
    const { message } = error as Error;
    throw new NbdTlsError(
      'ENOTSUP',
      `this build of Node cannot do TLS by ${settings.type}: ${message}`,
      error,
    );
  }
}

function optionsOf(settings: ClientTls): ConnectionOptions {
  if (settings.type === 'psk') return sharedKeyOptions(settings);
  if (settings.type === 'anon') return anonymousOptions();
  const { certificates, hostname, verifyPeer } = settings;
  const { authority, certificate, key, revoked } = certificates;
  return {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(revoked === undefined ? {} : { crl: revoked }),
    // An address is no server name: only names are sent ahead.
    ...(hostname === undefined || isIP(hostname) !== 0 ? {} : { servername: hostname }),
    rejectUnauthorized: verifyPeer,
    checkServerIdentity: (_host, peer) =>
      hostname === undefined ? undefined : checkServerIdentity(hostname, peer),
  };
}

function sharedKeyOptions({
  user,
  key,
}: {
  readonly user: string;
  readonly key: Uint8Array;
}): ConnectionOptions {
  return {
    ciphers: SHARED_KEY_SUITES.join(':'),
    pskCallback: () => ({ identity: user, psk: key }),
    // A server with this key has shown it; one that shows a certificate instead has not.
    rejectUnauthorized: true,
    ca: [],
    checkServerIdentity: (_host, peer) =>
      Object.keys(peer).length === 0 ? undefined : new Error('the server has no pre-shared key'),
  };
}

function anonymousOptions(): ConnectionOptions {
  return {
    // OpenSSL calls what does not name the other side security level 0, and TLS 1.3 has none of it.
    ciphers: 'AECDH-AES256-SHA:AECDH-AES128-SHA:ADH-AES256-GCM-SHA384:ADH-AES128-GCM-SHA256:@SECLEVEL=0',
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  };
}
