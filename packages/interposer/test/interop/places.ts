import { dirname } from 'node:path';
import { connect, createServer } from 'node:net';
import { pskFile, x509Folder } from '../../../../tools/tls/index.ts';

/** How a connection gets there. */
export type Transport = 'UNIX' | 'TCP';

/** `x509`: with a certificate of the client, too. */
export type Security = 'plain' | 'TLS X.509' | 'TLS PSK';

/** A column of the matrix. */
export interface Setting {
  readonly transport: Transport;
  readonly security: Security;
}

/** All columns of the matrix. */
export const SETTINGS: readonly Setting[] = (['UNIX', 'TCP'] as const).flatMap((transport) =>
  (['plain', 'TLS X.509', 'TLS PSK'] as const).map((security) => ({ transport, security })),
);

/** Where an export is served. */
export interface Place extends Setting {
  readonly exportName: string;
  /** Of a UNIX socket. */
  readonly path?: string;
  /** Of TCP, on 127.0.0.1. */
  readonly port?: number;
}

/** What a client shows and trusts, where it is not what it should be. */
export interface Credentials {
  /** Folder of certificates. */
  readonly certificates?: string;
  readonly pskFile?: string;
  readonly user?: string;
  /** By which name the server is called. */
  readonly host?: string;
}

export const HOST = '127.0.0.1';
export const USER = 'alice';

/** The URI of a place as libnbd and our client take it. */
export function uriOf(place: Place, credentials: Credentials = {}): string {
  const { security, path, port, exportName } = place;
  const { certificates = x509Folder, host = HOST, user = USER } = credentials;
  const keys = path === undefined ? [] : [`socket=${path}`];
  if (security === 'TLS X.509') keys.push(`tls-certificates=${certificates}`);
  if (security === 'TLS PSK') keys.push(`tls-psk-file=${credentials.pskFile ?? pskFile}`);
  const scheme = `${security === 'plain' ? 'nbd' : 'nbds'}${path === undefined ? '' : '+unix'}`;
  const login = security === 'TLS PSK' ? `${user}@` : '';
  const authority = path === undefined ? `${host}:${String(port)}` : '';
  return `${scheme}://${login}${authority}/${exportName}${keys.length === 0 ? '' : `?${keys.join('&')}`}`;
}

/** What qemu's programs want to know of a place: `--object` for the credentials, and the image. */
export function qemuOptions(place: Place): { readonly object: readonly string[]; readonly image: string } {
  const { security, path, port, exportName } = place;
  const where =
    path === undefined
      ? `server.type=inet,server.host=${HOST},server.port=${String(port)}`
      : `server.type=unix,server.path=${path}`;
  const image = `driver=nbd,${where},export=${exportName}`;
  switch (security) {
    case 'plain':
      return { object: [], image };
    case 'TLS X.509':
      return {
        object: ['--object', `tls-creds-x509,id=t,endpoint=client,dir=${x509Folder}`],
        image: `${image},tls-creds=t,tls-hostname=localhost`,
      };
    case 'TLS PSK':
      return {
        object: ['--object', `tls-creds-psk,id=t,endpoint=client,username=${USER},dir=${dirname(pskFile)}`],
        image: `${image},tls-creds=t`,
      };
  }
}

/** A port that nobody listens on now: for servers that cannot tell which one they took. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, HOST, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Whether something accepts connections there. */
export function answers({ path, port }: Pick<Place, 'path' | 'port'>): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = path === undefined ? connect(port!, HOST) : connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
