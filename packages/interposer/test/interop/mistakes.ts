import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { strangerFolder, x509Folder } from '../../../../tools/tls/index.ts';
import { type Place, type Security, uriOf } from './places.ts';

/** What a client does wrong, or finds wrong with a server. */
export interface Mistake {
  readonly name: string;
  /** How the server is secured. */
  readonly server: Security;
  /** Where the client thinks that it is; `folder` has what `makeMistakenFiles` made. */
  readonly uri: (place: Place, folder: string) => string;
  /** Codes that our client may fail with, and what it says. */
  readonly codes: readonly string[];
  readonly says: RegExp;
}

/** Keys and certificates that are not right. */
export function makeMistakenFiles(folder: string): void {
  mkdirSync(`${folder}/mixed`, { recursive: true });
  copyFileSync(`${x509Folder}/ca-cert.pem`, `${folder}/mixed/ca-cert.pem`);
  for (const name of ['client-cert.pem', 'client-key.pem']) {
    copyFileSync(`${strangerFolder}/${name}`, `${folder}/mixed/${name}`);
  }
  mkdirSync(`${folder}/none`, { recursive: true });
  copyFileSync(`${x509Folder}/ca-cert.pem`, `${folder}/none/ca-cert.pem`);
  writeFileSync(`${folder}/wrong.psk`, `alice:${'00'.repeat(32)}\ncarol:${'11'.repeat(32)}\n`);
}

/** In TLS 1.3 a client is refused when its own handshake is over; some servers close without a word then. */
const REFUSED_LATE = /TLS|the server closed the connection/;

/** Every mistake that must end without a connection. */
export const MISTAKES: readonly Mistake[] = [
  {
    name: 'a server of an authority that the client does not trust',
    server: 'TLS X.509',
    uri: (place) => uriOf(place, { certificates: strangerFolder }),
    codes: ['EACCES'],
    says: /signed by an authority that is not trusted/,
  },
  {
    name: 'a client of an authority that the server does not trust',
    server: 'TLS X.509',
    uri: (place, folder) => uriOf(place, { certificates: `${folder}/mixed` }),
    codes: ['EACCES', 'EIO'],
    says: REFUSED_LATE,
  },
  {
    name: 'a client without a certificate',
    server: 'TLS X.509',
    uri: (place, folder) => uriOf(place, { certificates: `${folder}/none` }),
    codes: ['EACCES', 'EIO'],
    says: REFUSED_LATE,
  },
  {
    name: 'another pre-shared key',
    server: 'TLS PSK',
    uri: (place, folder) => uriOf(place, { pskFile: `${folder}/wrong.psk` }),
    codes: ['EACCES', 'EIO'],
    says: /TLS/,
  },
  {
    name: 'a user that the server does not know',
    server: 'TLS PSK',
    uri: (place, folder) => uriOf(place, { pskFile: `${folder}/wrong.psk`, user: 'carol' }),
    codes: ['EACCES', 'EIO'],
    says: /TLS/,
  },
  ...(['TLS X.509', 'TLS PSK'] as const).flatMap((security) => [
    {
      name: `a client without TLS to a server with ${security}`,
      server: security,
      uri: (place: Place) => uriOf({ ...place, security: 'plain' }),
      codes: ['EACCES'],
      says: /TLS/,
    },
    {
      name: `a client with ${security} to a server without TLS`,
      server: 'plain' as const,
      uri: (place: Place) => uriOf({ ...place, security }),
      codes: ['ENOTSUP', 'EACCES'],
      says: /TLS, which is required/,
    },
  ]),
];
