import type { TLSSocket } from 'node:tls';

/** Who is at the other end of a connection to a server, as far as TLS has proved it. */
export interface TlsPeer {
  /** The user whose pre-shared key was used. */
  readonly user: string | null;
  /** The names in the client's certificate, if it has one that the authority signed: common name, DNS, mail, URI. */
  readonly names: readonly string[];
}

/** Kind and value of an alternative name as Node writes it; a value that could be misread is in quotes. */
const ALTERNATIVE_NAME = /(?:^|, )([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^",]*)/gy;

const KINDS = new Set(['DNS', 'email', 'URI']);

/** The names in the certificate of the other side: the common names of its subject and the alternative names that are names. */
export function certificateNames(socket: TLSSocket): string[] {
  const { subject, subjectaltname } = socket.getPeerCertificate() as Partial<LegacyCertificate>;
  const common = subject?.CN ?? [];
  return [
    ...new Set([
      ...(typeof common === 'string' ? [common] : common),
      ...alternativeNames(subjectaltname ?? ''),
    ]),
  ];
}

/** What Node makes of a certificate; a subject may have several common names. */
interface LegacyCertificate {
  readonly subject: { readonly CN?: string | readonly string[] };
  readonly subjectaltname: string;
}

/** The names in Node's text of an alternative name extension. */
export function alternativeNames(text: string): string[] {
  const names: string[] = [];
  for (const [, kind = '', value = ''] of text.matchAll(ALTERNATIVE_NAME)) {
    if (KINDS.has(kind)) names.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return names;
}
