import { encodeInfoRequest, encodeOption, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { pskFile, x509Folder } from '../../../tools/tls/index.ts';
import { Access, type AccessMeans } from '../src/access.ts';
import type { Client } from '../src/client.ts';
import { NbdServer } from '../src/index.ts';
import { knowsCredentials } from '../src/peer-credentials.ts';
import { later } from '../../../tools/temporary.ts';
import { serve, until } from './fixture.ts';
import type { RawClient } from './raw-client.ts';
import { aliceByCertificate, aliceByKey, secureClient } from './secure-client.ts';

const { Ack, ErrPolicy, ErrTlsRequired, Server } = OptionReply;
const everything: AccessMeans = { tls: true, certificates: true, users: true };
const tls = { mode: 'allow', certificates: x509Folder, psk: pskFile } as const;

const local = { unix: true, address: null, tls: null, credentials: { uid: 1000, gid: 100 } };
const remote = { unix: false, address: '10.1.2.3', tls: null, credentials: null };
const named = (...names: string[]) => ({ ...remote, tls: { user: null, names } });
const user = (name: string) => ({ ...remote, tls: { user: name, names: [] } });

function judge(client: object, ...rules: string[]): string {
  return new Access(rules, everything).judge(client as Client);
}

async function goType(client: RawClient, name = ''): Promise<number> {
  const answers = await client.option(NbdOption.Go, encodeInfoRequest({ name, types: [] }));
  return answers.at(-1)!.type;
}

describe('rules', () => {
  it.each([
    ['nobody is kept out without rules', remote, [], 'allowed'],
    ['unix', local, ['unix'], 'allowed'],
    ['unix by TCP', remote, ['unix'], 'refused'],
    ['tcp', remote, ['tcp'], 'allowed'],
    ['a network', remote, ['addr=10.0.0.0/8'], 'allowed'],
    ['another network', remote, ['addr=10.2.0.0/16'], 'refused'],
    ['an address', remote, ['addr=10.1.2.3'], 'allowed'],
    [
      'an address on a socket of both versions',
      { ...remote, address: '::ffff:10.1.2.3' },
      ['addr=10.0.0.0/8'],
      'allowed',
    ],
    [
      'an address of version 6 with a zone',
      { ...remote, address: 'fe80::1%eth0' },
      ['addr=fe80::/10'],
      'allowed',
    ],
    ['an address by UNIX socket', local, ['addr=0.0.0.0/0'], 'refused'],
    ['TLS', user('alice'), ['tls'], 'allowed'],
    ['no TLS yet', remote, ['tls'], 'tls'],
    ['no TLS yet, and not from there anyhow', remote, ['tls addr=192.168.0.0/16'], 'refused'],
    ['a user', user('alice'), ['user=alice'], 'allowed'],
    ['another user', user('bob'), ['user=alice'], 'refused'],
    ['a user who must start TLS', remote, ['user=alice'], 'tls'],
    ['a certificate', named('alice', 'a@b'), ['cert=a@b'], 'allowed'],
    ['another certificate', named('bob'), ['cert=alice'], 'refused'],
    ['a host of a domain', named('a.b.example.org'), ['cert=*.example.org'], 'allowed'],
    [
      'what only ends as a domain does',
      named(
        'spiffe://other.example/x.example.org',
        'eve@mail.example.org',
        'Eve, not of a.example.org',
        'a\0.example.org',
        '.example.org',
      ),
      ['cert=*.example.org'],
      'refused',
    ],
    ['a user is no certificate', user('alice'), ['cert=alice'], 'refused'],
    ['a certificate is no user', named('alice'), ['user=alice'], 'refused'],
    ['a domain', named('one.hosts.example'), ['cert=*.hosts.example'], 'allowed'],
    ['a domain is none of its names', named('hosts.example'), ['cert=*.hosts.example'], 'refused'],
    ['the end of a name is no domain', named('badhosts.example'), ['cert=*.hosts.example'], 'refused'],
    ['a name with a blank', named('Alice Smith'), ['cert=Alice\\ Smith'], 'allowed'],
    ['all words of a rule', user('alice'), ['user=alice addr=10.0.0.0/8'], 'allowed'],
    ['all words but one', user('alice'), ['user=alice addr=11.0.0.0/8'], 'refused'],
    ['any rule', remote, ['unix', 'addr=10.1.2.3'], 'allowed'],
    ['any rule, TLS would help', remote, ['unix', 'user=bob tcp'], 'tls'],
  ])('%s', (_title, client, rules, verdict) => {
    expect(judge(client, ...rules)).toBe(verdict);
  });

  it.skipIf(!knowsCredentials())('user and group of a process', () => {
    expect(judge(local, 'uid=1000')).toBe('allowed');
    expect(judge(local, 'uid=1000 gid=101')).toBe('refused');
    expect(judge(remote, 'uid=0')).toBe('refused');
    expect(judge({ ...local, credentials: null }, 'gid=100')).toBe('refused');
  });

  it.each([
    ['', /has no words/],
    ['everybody', /"everybody"; allowed are tls, unix/],
    ['uid=me', /"me", which is no number/],
    ['uid=4294967296', /no number/],
    ['addr=host.example', /no address or network/],
    ['addr=10.0.0.0/33', /no address or network/],
    ['addr=::/129', /no address or network/],
    ['user=', /user without a value/],
    ['cert', /cert without a value/],
    ['cert=*', /\* stands in front of a domain only/],
    ['cert=*.', /\* stands in front/],
    ['cert=al*', /\* stands in front/],
    ['cert=*.*.example', /\* stands in front/],
    ['tls=yes', /a value for tls/],
    ['unix tcp', /holds for nobody: unix is of UNIX sockets, tcp of TCP/],
    ['unix addr=10.0.0.0/8', /holds for nobody/],
    ['constructor', /allowed are/],
  ])('"%s" is refused', (rule, message) => {
    expect(() => new Access([rule], everything)).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: expect.stringMatching(message) as string }),
    );
  });

  it.each(['tls', 'user=alice', 'cert=alice'])('%s is refused where it can never hold', async (rule) => {
    const { port } = await serve();
    const server = new NbdServer();
    later(() => server.close());
    expect(() => server.addExport({ name: '', port, allow: [rule] })).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: expect.stringMatching(/does not do/) as string }),
    );
    expect(server.exports).toEqual([]);
  });

  it('without koffi nobody is let in by user and group', () => {
    process.env.INTERPOSER_NO_FFI = '1';
    later(() => delete process.env.INTERPOSER_NO_FFI);
    expect(() => new Access(['uid=0'], everything)).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
  });
});

describe('exports', () => {
  it.skipIf(!knowsCredentials())('a UNIX socket tells who connected', async () => {
    const [uid, gid] = [process.getuid!(), process.getgid!()];
    const fixture = await serve({ exported: { name: 'mine', allow: [`uid=${uid} gid=${gid}`] } });
    fixture.server.addExport({ name: 'other', port: fixture.port, allow: [`uid=${uid + 1}`] });
    const client = fixture.connect();
    await client.greet();
    expect((await client.option(NbdOption.List)).filter(({ type }) => type === Server)).toHaveLength(1);
    expect(await goType(client, 'other')).toBe(ErrPolicy);
    expect(fixture.events).toMatchObject([{ kind: 'refused', exportName: 'other' }]);
    expect(await goType(client, 'mine')).toBe(Ack);
  });

  it('TLS tells the user of a key and the name in a certificate', async () => {
    const fixture = await serve({ tls, exported: { name: 'key', allow: ['user=alice'] } });
    fixture.server.addExport({ name: 'certificate', port: fixture.port, allow: ['cert=alice@example.org'] });
    const plain = fixture.connect();
    await plain.greet();
    expect(await goType(plain, 'key')).toBe(ErrTlsRequired);
    const byKey = await secureClient(fixture.path, aliceByKey);
    expect(await goType(byKey, 'certificate')).toBe(ErrPolicy);
    expect(await goType(byKey, 'key')).toBe(Ack);
    const byCertificate = await secureClient(fixture.path, aliceByCertificate);
    expect(await goType(byCertificate, 'key')).toBe(ErrPolicy);
    expect(await goType(byCertificate, 'certificate')).toBe(Ack);
  });

  it('EXPORT_NAME of one that is not for the client ends the connection', async () => {
    const fixture = await serve({ exported: { allow: ['tcp'] } });
    const client = fixture.connect();
    await client.greet();
    client.send(encodeOption(NbdOption.ExportName));
    await client.closed;
    await until(() => fixture.events.some(({ kind }) => kind === 'closed'));
    expect(fixture.server.exports[0]!.connections).toBe(0);
  });
});
