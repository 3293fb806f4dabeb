import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerPath } from '../../../tools/peers.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';

const CONFIGURATION = '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** An authority that makes certificates with openssl, in the files that NBD programs look for. */
export class Authority {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    writeFileSync(join(folder, 'ca.cnf'), CONFIGURATION);
    writeFileSync(join(folder, 'index.txt'), '');
    const own = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    this.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-days',
      '30',
      '-subj',
      '/CN=authority',
      ...own,
      '-keyout',
      'ca-key.pem',
      '-out',
      'ca-cert.pem',
    );
  }

  /** A certificate for so many days from now on; a negative number: it has expired. */
  issue(side: 'client' | 'server', names: string, { days = 30, usage = `${side}Auth` } = {}): void {
    writeFileSync(join(this.folder, 'extensions'), `extendedKeyUsage=${usage}\nsubjectAltName=${names}\n`);
    this.#openssl('req', ...KEY, '-subj', `/CN=${side}`, '-keyout', `${side}-key.pem`, '-out', 'request.pem');
    const by = ['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'extensions'];
    this.#openssl(
      'x509',
      '-req',
      '-in',
      'request.pem',
      '-days',
      String(days),
      ...by,
      '-out',
      `${side}-cert.pem`,
    );
  }

  /** Takes a certificate back, and publishes the list of those; without a name, an empty one. */
  revoke(side?: 'client' | 'server'): void {
    const by = ['ca', '-config', 'ca.cnf', '-cert', 'ca-cert.pem', '-keyfile', 'ca-key.pem'];
    if (side !== undefined) this.#openssl(...by, '-revoke', `${side}-cert.pem`);
    this.#openssl(...by, '-gencrl', '-out', 'ca-crl.pem');
  }

  #openssl(...words: readonly string[]): void {
    execFileSync(peerPath('openssl')!, words, { cwd: this.folder, stdio: 'pipe' });
  }
}

export async function makeAuthority(): Promise<Authority> {
  return new Authority(await temporaryFolder());
}

/** A folder with some of the files of others. */
export async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, source] of Object.entries(files)) copyFileSync(source, join(folder, name));
  return folder;
}
