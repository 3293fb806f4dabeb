import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A folder with ca-cert.pem, server-{cert,key}.pem for localhost and client-{cert,key}.pem for alice. */
export const x509Folder: string = fileURLToPath(new URL('x509', import.meta.url));

/** The same from an authority that nobody trusts; the client is called mallory. */
export const strangerFolder: string = fileURLToPath(new URL('stranger', import.meta.url));

/** Pre-shared keys of alice and bob, a line each: the name, a colon, the key in hexadecimal digits. */
export const pskFile: string = fileURLToPath(new URL('keys.psk', import.meta.url));

/** The text of a file in one of the folders. */
export function pem(folder: string, name: string): string {
  return readFileSync(`${folder}/${name}.pem`, 'utf8');
}
