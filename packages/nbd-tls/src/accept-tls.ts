import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Certificates } from './certificates.ts';
import { describeTlsError, NbdTlsError, untrusted } from './errors.ts';
import { CERTIFICATE_SUITES, OLDEST_VERSION, SHARED_KEY_SUITES } from './methods.ts';
import type { ServerTls } from './server-settings.ts';
import { certificateNames, type TlsPeer } from './peer.ts';

/** A connection under TLS and who is at its other end. */
export interface SecureConnection {
  readonly socket: TLSSocket;
  readonly peer: TlsPeer;
}

// Each handshake is a full one, so that nobody comes in on what was agreed before; and there is one for each connection.
const NO_RESUMPTION: number = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

const CLOSED = 'the client closed the connection in the TLS handshake';

/** The time limit is the caller's; Node wants to have one. */
const NO_TIMEOUT = 2 ** 31 - 1;

/**
 * Secures a connected socket as its server, which has sent its ACK of STARTTLS. Afterwards only the socket that it resolves to
 * is to be used; that has no data listener yet, and closes the other one with itself. Rejects with `NbdTlsError` (`EACCES`: one
 * side does not trust the other; `EIO`: the connection broke), and the socket is closed then. There is no time limit: whoever
 * has one destroys the socket.
 */
export function acceptTls(socket: Socket, settings: ServerTls): Promise<SecureConnection> {
  return new Promise((resolve, reject) => {
    const asked = new AskedUser(settings);
    // Node gives this one connection to the server, which is the documented way to have it verify the client.
    const server = createServer({
      ...optionsOf(settings),
      pskCallback: (_socket, name) => asked.keyOf(name),
    });
    const failed = (error: Error): void => {
      socket.destroy();
      reject(describeTlsError(error));
    };
    // What the server says of the reason comes after the socket is closed.
    socket.once('close', () => setImmediate(failed, new NbdTlsError('EIO', CLOSED)));
    server.once('tlsClientError', (error, secure) => {
      const refused = (secure.authorizationError as unknown) !== null;
      failed(refused ? untrusted(reasonOf(secure)) : error);
    });
    server.once('secureConnection', (secure) => {
      secure.allowHalfOpen = halfOpen;
      const peer = peerOf(secure, asked);
      if (settings.verifyPeer && peer.user === null && !secure.authorized) failed(refusalOf(secure));
      else resolve({ socket: secure, peer });
    });
    // A client that goes away in the handshake is gone.
    const halfOpen = socket.allowHalfOpen;
    socket.allowHalfOpen = false;
    server.emit('connection', socket);
  });
}

/** The user whose key was asked for last: the one of the connection, if it is by key at all. */
class AskedUser {
  readonly #keys: ServerTls['keys'];
  name: string | null = null;

  constructor({ keys }: ServerTls) {
    this.#keys = keys;
  }

  keyOf(name: string): Uint8Array | null {
    const key = this.#keys?.get(name) ?? null;
    this.name = key === null ? null : name;
    return key;
  }
}

function peerOf(secure: TLSSocket, asked: AskedUser): TlsPeer {
  // Sessions are not resumed otherwise: to TLS 1.3 the key is that of a session.
  const byKey = secure.isSessionReused() || secure.getCipher().name.includes('PSK');
  if (byKey) return { user: asked.name, names: [] };
  return { user: null, names: secure.authorized ? certificateNames(secure) : [] };
}

function refusalOf(secure: TLSSocket): NbdTlsError {
  const shown = Object.keys(secure.getPeerCertificate()).length > 0;
  return shown
    ? untrusted(reasonOf(secure))
    : new NbdTlsError('EACCES', 'TLS failed: the client has no certificate');
}

/** Why a certificate is not accepted: typed as an error, it is a code. */
function reasonOf({ authorizationError }: TLSSocket): string {
  return String(authorizationError);
}

function optionsOf({ certificates, keys, verifyPeer }: ServerTls): TlsOptions {
  const suites = [
    ...(certificates === null ? [] : CERTIFICATE_SUITES),
    ...(keys === null ? [] : SHARED_KEY_SUITES),
  ];
  return {
    minVersion: OLDEST_VERSION,
    ciphers: [...new Set(suites)].join(':'),
    honorCipherOrder: true,
    dhparam: 'auto',
    secureOptions: NO_RESUMPTION,
    handshakeTimeout: NO_TIMEOUT,
    ...(certificates === null ? {} : certificateOptions(certificates)),
    // OpenSSL tells a client without a certificate why; where keys are taken too, some versions of Node want one all the same.
    rejectUnauthorized: verifyPeer && keys === null,
  };
}

function certificateOptions({ authority, certificate, key, revoked }: Certificates): TlsOptions {
  return {
    cert: certificate,
    key,
    ...(authority === undefined ? {} : { ca: authority, requestCert: true }),
    ...(revoked === undefined ? {} : { crl: revoked }),
  };
}
