import { fail, splitWords } from '@interposer/core';
import { BlockList, isIP } from 'node:net';
import type { Client } from './client.ts';
import { knowsCredentials } from './peer-credentials.ts';

/** What the words of a rule can be, for messages and help. */
export const ACCESS_GRAMMAR =
  'tls, unix, tcp, addr=ADDRESS[/BITS], cert=NAME, cert=*.DOMAIN, user=NAME, uid=NUMBER, gid=NUMBER';

/** What the server can find out about clients, which decides the words that make sense. */
export interface AccessMeans {
  /** It does TLS. */
  readonly tls: boolean;
  /** It asks clients for certificates. */
  readonly certificates: boolean;
  /** It has pre-shared keys. */
  readonly users: boolean;
}

/** One word of a rule. */
interface Condition {
  /** Cannot hold without TLS. */
  readonly secure: boolean;
  readonly holds: (client: Client) => boolean;
}

/** What rules say of a client. `tls`: it may be allowed once it has started TLS. */
export type Verdict = 'allowed' | 'tls' | 'refused';

/** Who may use an export: clients for whom every word of one of the rules holds; without rules, everybody. */
export class Access {
  readonly #rules: readonly (readonly Condition[])[];

  /** EINVAL for a word that is none, or that cannot hold on this server; ENOTSUP where the system does not tell. */
  constructor(rules: readonly string[], means: AccessMeans) {
    this.#rules = rules.map((rule) => parseRule(rule, means));
  }

  judge(client: Client): Verdict {
    const rules = this.#rules;
    if (rules.length === 0 || rules.some((rule) => holds(rule, client))) return 'allowed';
    if (client.tls !== null) return 'refused';
    const open = rules.some((rule) =>
      holds(
        rule.filter(({ secure }) => !secure),
        client,
      ),
    );
    return open ? 'tls' : 'refused';
  }
}

function holds(rule: readonly Condition[], client: Client): boolean {
  return rule.every((condition) => condition.holds(client));
}

function parseRule(rule: string, means: AccessMeans): Condition[] {
  const words = splitWords(rule);
  if (words.length === 0) throw refuse(rule, 'has no words');
  const conditions = words.map((word) => parseWord(word, rule, means));
  const keys = words.map((word) => word.replace(/=.*/s, ''));
  const local = keys.find((key) => LOCAL.includes(key));
  const remote = keys.find((key) => REMOTE.includes(key));
  if (local !== undefined && remote !== undefined) {
    throw fail(
      'EINVAL',
      `the rule "${rule}" holds for nobody: ${local} is of UNIX sockets, ${remote} of TCP; make it two rules`,
    );
  }
  return conditions;
}

function parseWord(word: string, rule: string, means: AccessMeans): Condition {
  const equals = word.indexOf('=');
  const key = equals < 0 ? word : word.slice(0, equals);
  const value = equals < 0 ? null : word.slice(equals + 1);
  const parse = WORDS.get(key);
  if (parse === undefined) throw refuse(rule, `has the word "${word}"`);
  return parse(value, rule, means);
}

/** Words that hold for clients of a UNIX socket only, and of TCP only. */
const LOCAL: readonly string[] = ['unix', 'uid', 'gid'];
const REMOTE: readonly string[] = ['tcp', 'addr'];

type WordParser = (value: string | null, rule: string, means: AccessMeans) => Condition;

const WORDS: ReadonlyMap<string, WordParser> = new Map<string, WordParser>([
  [
    'tls',
    (value, rule, { tls }) => {
      refuseValue('tls', value, rule);
      needs(tls, 'tls', rule, 'TLS');
      return { secure: true, holds: (client) => client.tls !== null };
    },
  ],
  [
    'unix',
    (value, rule) => {
      refuseValue('unix', value, rule);
      return { secure: false, holds: (client) => client.unix };
    },
  ],
  [
    'tcp',
    (value, rule) => {
      refuseValue('tcp', value, rule);
      return { secure: false, holds: (client) => !client.unix };
    },
  ],
  ['addr', fromAddress],
  [
    'cert',
    (value, rule, { certificates }) => {
      needs(certificates, 'cert', rule, 'certificates of clients: that takes a ca-cert.pem');
      return byName(wanted(value, 'cert', rule), rule);
    },
  ],
  [
    'user',
    (value, rule, { users }) => {
      needs(users, 'user', rule, 'pre-shared keys');
      const name = wanted(value, 'user', rule);
      return { secure: true, holds: (client) => client.tls?.user === name };
    },
  ],
  [
    'uid',
    (value, rule) => {
      const uid = numberOf(value, 'uid', rule);
      return { secure: false, holds: (client) => client.credentials?.uid === uid };
    },
  ],
  [
    'gid',
    (value, rule) => {
      const gid = numberOf(value, 'gid', rule);
      return { secure: false, holds: (client) => client.credentials?.gid === gid };
    },
  ],
]);

/** What stands in front of a domain in the name of a host: a mail address or a URI that ends alike is another thing. */
const LABELS = /^(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+$/;

/** A name in the client's certificate, or any name of a domain. */
function byName(pattern: string, rule: string): Condition {
  const domain = /^\*\../s.test(pattern) ? pattern.slice(1) : null;
  if ((domain ?? pattern).includes('*'))
    throw refuse(rule, `has "${pattern}": * stands in front of a domain only`);
  const isOfDomain = (name: string): boolean =>
    domain !== null && name.endsWith(domain) && LABELS.test(name.slice(0, -domain.length));
  const fits = (name: string): boolean => name === pattern || isOfDomain(name);
  return { secure: true, holds: (client) => client.tls?.names.some(fits) === true };
}

function fromAddress(value: string | null, rule: string): Condition {
  const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(wanted(value, 'addr', rule)) ?? [];
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  if (version === 0 || length > most)
    throw refuse(rule, `has "${value ?? ''}", which is no address or network`);
  const list = new BlockList();
  list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  return { secure: false, holds: ({ address: from }) => from !== null && contains(list, from) };
}

function contains(list: BlockList, address: string): boolean {
  // A zone such as %eth0 belongs to this machine, not to the address.
  const [plain = ''] = address.split('%');
  return list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
}

function numberOf(value: string | null, key: string, rule: string): number {
  const text = wanted(value, key, rule);
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(number < 2 ** 32)) throw refuse(rule, `has "${text}", which is no number of a user or group`);
  if (!knowsCredentials()) {
    throw fail(
      'ENOTSUP',
      `the rule "${rule}" wants to know who connected: that takes Linux and the package koffi`,
    );
  }
  return number;
}

function wanted(value: string | null, key: string, rule: string): string {
  if (value === null || value === '') throw refuse(rule, `has ${key} without a value`);
  return value;
}

function refuseValue(key: string, value: string | null, rule: string): void {
  if (value !== null) throw refuse(rule, `has a value for ${key}`);
}

function needs(there: boolean, key: string, rule: string, what: string): void {
  if (!there) throw fail('EINVAL', `the rule "${rule}" has ${key}, and this server does not do ${what}`);
}

function refuse(rule: string, complaint: string): Error {
  return fail('EINVAL', `the rule "${rule}" ${complaint}; allowed are ${ACCESS_GRAMMAR}`);
}
